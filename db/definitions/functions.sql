-- The frequent transactions of an action, one round trip each. The rules stay in domain/: statuses come as parameters.
-- Each statement of a function sees what was committed before it, so a check after a lock sees the changes of the
-- lock's last owner.

-- The median of the deployment's last nine successful actions of this kind among its last fifty actions. Without any,
-- the median of the last nine of all deployments: the first action of a deployment has no history.
create or replace function expected_duration_ms(p_deployment_id bigint, p_kind text) returns bigint
language sql stable parallel safe as $$
  select round(extract(epoch from coalesce(
    (select percentile_disc(0.5) within group (order by finished_at - started_at) from (
      select * from (
        select kind, state, started_at, finished_at from actions
        where deployment_id = p_deployment_id and wait_conditions is null order by id desc limit 50
      ) as recent
      where kind = p_kind and state = 'succeeded' and started_at is not null
      limit 9
    ) as of_deployment),
    (select percentile_disc(0.5) within group (order by finished_at - started_at) from (
      select started_at, finished_at from actions
      where kind = p_kind and state = 'succeeded' and started_at is not null
      order by id desc limit 9
    ) as of_all)
  )) * 1000)::bigint
$$;

-- The same rule as isInScope in domain/access/roles.ts.
create or replace function is_owner_in_scope(d deployments, p_scope text, p_issuer text, p_subject text) returns boolean
language sql immutable parallel safe as $$
  select case
    when p_scope = 'all' then true
    when d.owner_subject is null then p_scope = 'own_or_unowned'
    else p_scope in ('own', 'own_or_unowned') and coalesce((d.owner_issuer, d.owner_subject) = (p_issuer, p_subject), false)
  end
$$;

-- Null: the token is stale, the lease has expired or a cancel was requested. p_links null: keep the stored ones. The
-- holder of the lease may repeat the call when the answer was lost. With links, info has succeeded.
create or replace function start_action(p_id bigint, p_fencing_token int, p_links jsonb) returns json language plpgsql as $$
declare
  target bigint;
begin
  update actions set state = 'running', started_at = now(), previous_deployment = null, writer_token = p_fencing_token
  where id = p_id and fencing_token = p_fencing_token and state = 'queued' and lease_expires_at > now()
    and cancel_requested_at is null
  returning deployment_id into target;
  if target is not null then
    update deployments set links = coalesce(p_links, links), revision = default where id = target;
    if p_links is not null then
      delete from script_failures where subject = 'deployment ' || target and script = 'info';
    end if;
  else
    select deployment_id into target from actions
    where id = p_id and fencing_token = p_fencing_token and state = 'running' and lease_expires_at > now();
  end if;
  return (select body from deployment_details where id = target);
end
$$;

-- Sets the status that an ended action leaves, which makes the check due (plan_check). p_previous: the deployment
-- before an action that never started; it is restored.
create or replace function finish_deployment(p_id bigint, p_status text, p_previous jsonb) returns json language plpgsql as $$
begin
  update deployments
  set status_updated_at = now(), updated_at = now(), revision = default,
    status = coalesce(p_previous ->> 'status', p_status),
    app_overrides = coalesce(p_previous -> 'app_overrides', app_overrides),
    deployment_overrides = coalesce(p_previous -> 'deployment_overrides', deployment_overrides),
    archived_at = case when p_previous is null then archived_at else (p_previous ->> 'archived_at')::timestamptz end
  where id = p_id;
  return (select body from deployment_details where id = p_id);
end
$$;

-- Null: the token is stale.
drop function if exists finish_action(bigint, int, text, int, text, text, boolean, text);
create or replace function finish_action(
  p_id bigint, p_fencing_token int, p_state text, p_exit_code int, p_signal text, p_error text, p_truncated boolean, p_status text,
  -- A runner of an earlier version does not send it.
  p_failure jsonb default null
) returns json language plpgsql as $$
declare
  target bigint;
  previous jsonb;
begin
  update actions
  set state = p_state, finished_at = now(), lease_expires_at = null, exit_code = p_exit_code, signal = p_signal,
    error = p_error, failure = p_failure, truncated = p_truncated, writer_token = p_fencing_token
  where id = p_id and fencing_token = p_fencing_token and state in ('queued', 'running')
  returning deployment_id, previous_deployment into target, previous;
  if target is null then return null; end if;
  return finish_deployment(target, p_status, case when p_state <> 'succeeded' then previous end);
end
$$;

-- True when a request may act. Its transaction calls this when it has its locks, and acts only if nothing is raised. OC002: the client
-- has an answer already. Either the time of the request is over, or a request with the same key was refused after this one arrived.
-- Without these rules a statement that waited in a server, in a frozen connection or for a lock would act when its client no longer
-- expects it. A null never raises.
create or replace function require_request_in_time(p_key text, p_arrived_at timestamptz, p_not_after timestamptz) returns boolean
language plpgsql as $$
begin
  if clock_timestamp() > p_not_after then
    raise exception 'the request came too late: its time was over at %', p_not_after using errcode = 'OC002';
  end if;
  if exists (select from refused_keys r where r.key = p_key and r.refused_at >= p_arrived_at) then
    raise exception 'the request came too late: a later one with its key was refused' using errcode = 'OC002';
  end if;
  return true;
end
$$;

-- Refuses all requests with this key that have arrived so far and have not acted. Returns the accepted one; nulls without one.
create or replace function refuse_earlier_requests(p_key text, out fingerprint text, out action_id bigint) language plpgsql as $$
begin
  -- A concurrent request with the same key waits at the same row. It acts before this one looks, or it sees the refusal.
  insert into idempotency_keys (key, fingerprint) values (p_key, '') on conflict do nothing;
  if not found then
    select k.fingerprint, k.action_id into fingerprint, action_id from idempotency_keys k where k.key = p_key;
    return;
  end if;
  insert into refused_keys as r (key, refused_at) values (p_key, clock_timestamp())
  on conflict (key) do update set refused_at = greatest(r.refused_at, excluded.refused_at);
  delete from idempotency_keys k where k.key = p_key;
end
$$;
