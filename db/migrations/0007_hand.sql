-- Up Migration
-- Law 3 without a gap: who changes what becomes of an action says in the statement by which epoch it is held (`hand`); the guard
-- compares, and clears it, so that a statement which says nothing is refused. What has not ended is not deleted.
-- A start can be asked for again by the same hand when its answer was lost, and what is to be cancelled does not start.
alter table actions add column hand int;

create or replace function guard_action() returns trigger language plpgsql as $$
begin
  if old.state not in ('queued', 'running') and new is distinct from old then
    raise exception 'action % has ended as %', old.id, old.state using errcode = 'OC001';
  end if;
  if new.lease_epoch < old.lease_epoch then
    raise exception 'action %: stale epoch %', old.id, new.lease_epoch using errcode = 'OC001';
  end if;
  if new.lease_epoch > old.lease_epoch and old.lease_expires_at > now() then
    raise exception 'action %: the lease is still held', old.id using errcode = 'OC001';
  end if;
  if old.state = 'running' and new.state = 'queued' then
    raise exception 'action % has started: a second run is an action of its own', old.id using errcode = 'OC001';
  end if;
  if new.lease_epoch = old.lease_epoch and new.hand is distinct from old.lease_epoch
    and (new.state, new.lease_expires_at, new.started_at) is distinct from (old.state, old.lease_expires_at, old.started_at)
    -- A cancel ends what waits and nobody holds.
    and not (new.state = 'cancelled' and old.state = 'queued' and (old.lease_expires_at is null or old.lease_expires_at <= now()))
  then
    raise exception 'action %: held by epoch %, the statement says %', old.id, old.lease_epoch, coalesce(new.hand::text, 'none')
      using errcode = 'OC001';
  end if;
  new.hand := null;
  return new;
end
$$;

create function keep_active_action() returns trigger language plpgsql as $$
begin
  if old.state in ('queued', 'running') then
    raise exception 'action % has not ended', old.id using errcode = 'OC001';
  end if;
  return old;
end
$$;
create trigger keep_active_action before delete on actions for each row execute function keep_active_action();

create or replace function start_action(p_id bigint, p_epoch int, p_links jsonb) returns json language plpgsql as $$
declare
  target bigint;
begin
  update actions set state = 'running', started_at = now(), undo = null, hand = p_epoch
  where id = p_id and lease_epoch = p_epoch and state = 'queued' and lease_expires_at > now() and cancel_requested_at is null
  returning deployment_id into target;
  if target is not null then
    update deployments set links = coalesce(p_links, links), revision = default where id = target;
  else
    select deployment_id into target from actions
    where id = p_id and lease_epoch = p_epoch and state = 'running' and lease_expires_at > now();
  end if;
  return (select body from full_infos where id = target);
end
$$;

create or replace function finish_action(
  p_id bigint, p_epoch int, p_state text, p_exit_code int, p_signal text, p_error text, p_truncated boolean, p_status text
) returns json language plpgsql as $$
declare
  target bigint;
  before jsonb;
begin
  update actions
  set state = p_state, finished_at = now(), lease_expires_at = null, exit_code = p_exit_code, signal = p_signal,
    error = p_error, truncated = p_truncated, hand = p_epoch
  where id = p_id and lease_epoch = p_epoch and state in ('queued', 'running')
  returning deployment_id, undo into target, before;
  if target is null then return null; end if;
  return settle_deployment(target, p_status, case when p_state <> 'succeeded' then before end);
end
$$;
