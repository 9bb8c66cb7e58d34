-- Up Migration
-- Three truths that were missing: whether the overrides are still those somebody has read, what an action that never started
-- leaves behind, and how long a first create usually takes. And output waits for whoever takes its action away.

-- At which revision the overrides became what they are: who read the deployment then or later has read these ones.
alter table deployments add column config_revision bigint not null default 0;

alter table actions
  -- What the deployment was before; gone as soon as the script starts, for then it is no longer what it was.
  add column undo jsonb,
  add column usual_duration_ms bigint;
create index actions_gone_well on actions (kind, id desc) where state = 'succeeded';

create or replace function set_revision() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    new.config_revision := new.revision;
    return new;
  end if;
  if new.revision <= old.revision and (
    new.status, new.links, new.app_overrides, new.deployment_overrides, new.updated_at, new.archived_at, new.name
  ) is distinct from (
    old.status, old.links, old.app_overrides, old.deployment_overrides, old.updated_at, old.archived_at, old.name
  ) then
    new.revision := nextval('deployment_revision');
  end if;
  if new.revision <> old.revision then
    -- Lets a reader ask for what its last snapshot did not see: whatever such a transaction changed is at least its xmin.
    new.changed_xid := pg_current_xact_id();
    if (new.app_overrides, new.deployment_overrides) is distinct from (old.app_overrides, old.deployment_overrides) then
      new.config_revision := new.revision;
    end if;
  end if;
  return new;
end
$$;
drop trigger set_revision on deployments;
create trigger set_revision before insert or update on deployments for each row execute function set_revision();

-- The lock waits for whoever ends the action or takes it over, and has them wait for this output: without it a chunk could be
-- committed after the end that it did not see.
create or replace function guard_output() returns trigger language plpgsql as $$
begin
  perform from actions where id in (select action_id from new_rows) order by id for share;
  if exists (
    select from new_rows n join actions a on a.id = n.action_id
    where a.lease_epoch <> n.lease_epoch or a.state not in ('queued', 'running')
  ) then
    raise exception 'output with a stale epoch' using errcode = 'OC001';
  end if;
  return null;
end
$$;

-- The median of the deployment's own last ones of this kind that went well, else of the project's: a create has no own ones.
create or replace function usual_duration_ms(of_deployment bigint, of_kind text) returns bigint
language sql stable parallel safe as $$
  select round(extract(epoch from coalesce(
    (select percentile_disc(0.5) within group (order by finished_at - started_at) from (
      select * from (
        select kind, state, started_at, finished_at from actions
        where deployment_id = of_deployment order by id desc limit 50
      ) as recent
      where kind = of_kind and state = 'succeeded' and started_at is not null
      limit 9
    ) as own),
    (select percentile_disc(0.5) within group (order by finished_at - started_at) from (
      select started_at, finished_at from actions
      where kind = of_kind and state = 'succeeded' and started_at is not null
      order by id desc limit 9
    ) as of_others)
  )) * 1000)::bigint
$$;

create or replace view full_infos as
select d.id, d.name, d.updated_at, d.revision, d.changed_xid, d.checked_at, d.check_exit_code, d.check_error,
  json_build_object(
    'deployment', json_build_object(
      'name', d.name, 'app_overrides', d.app_overrides, 'deployment_overrides', d.deployment_overrides),
    'status', json_build_object(
      'tag', case when (a.last).state in ('queued', 'running') then 'DeploymentPending' else 'DeploymentNotPending' end,
      'recorded_status', wire_status(d.status)),
    'metadata', d.links,
    'created_at', wire_time(d.created_at),
    'updated_at', wire_time(d.updated_at),
    'revision', d.revision,
    'last_action', case
      when (a.last).state in ('queued', 'running') then (
        wire_action_summary(a.last)::jsonb || jsonb_build_object('usual_duration_ms', (a.last).usual_duration_ms))::json
      when (a.last).id is not null then wire_action_summary(a.last)
    end) as body
from deployments d
left join lateral (
  select a as last from actions a where a.deployment_id = d.id order by a.id desc limit 1
) as a on true;

-- p_undo: what the deployment was before an action that never started; then it is that again.
drop function settle_deployment(bigint, text);
create function settle_deployment(p_id bigint, p_status text, p_undo jsonb default null) returns json language plpgsql as $$
begin
  update deployments
  set status_updated_at = now(), updated_at = now(), next_check_at = now(), revision = default,
    status = coalesce(p_undo ->> 'status', p_status),
    app_overrides = coalesce(p_undo -> 'app_overrides', app_overrides),
    deployment_overrides = coalesce(p_undo -> 'deployment_overrides', deployment_overrides),
    archived_at = case when p_undo is null then archived_at else (p_undo ->> 'archived_at')::timestamptz end
  where id = p_id;
  return (select body from full_infos where id = p_id);
end
$$;

-- As in 0004, and: p_revision refuses where the overrides have changed since (outcome changed_meanwhile); undo is kept for all
-- but create, which has no before, and cleanup, which is not to be asked for again by itself.
drop function begin_action(text, text, text[], text, jsonb, jsonb, text, text, text, boolean, text, text);
create function begin_action(
  p_name text, p_kind text, p_allowed text[], p_during text, p_app jsonb, p_deployment jsonb,
  p_actor text, p_source text, p_reason text, p_config_checked boolean, p_key text, p_fingerprint text,
  p_revision bigint default null,
  out outcome text, out status text, out action_id bigint, out body json
) language plpgsql as $$
declare
  target deployments;
  before jsonb;
begin
  if p_key is not null then
    -- Somebody with the same key at the same time: waits here until that one has committed or failed.
    insert into idempotency_keys (key, fingerprint) values (p_key, p_fingerprint) on conflict do nothing;
    if not found then
      select case when k.fingerprint = p_fingerprint then 'replayed' else 'key_reused' end, k.action_id
      into outcome, action_id from idempotency_keys k where k.key = p_key;
      return;
    end if;
  end if;

  if p_kind = 'create' then
    insert into deployments (name, status, app_overrides, deployment_overrides, links)
    values (p_name, p_during, coalesce(p_app, '[]'), coalesce(p_deployment, '[]'), '[]')
    on conflict (name) do nothing
    returning * into target;
    if target.id is null then outcome := 'name_taken'; end if;
  else
    select * into target from deployments d where d.name = p_name for update;
    status := target.status;
    if target.id is null then
      outcome := 'no_such_deployment';
    elsif exists (select from actions a where a.deployment_id = target.id and a.state in ('queued', 'running')) then
      outcome := 'busy';
    elsif target.status <> all (p_allowed) then
      outcome := 'impossible_move';
    elsif target.config_revision > p_revision then
      outcome := 'changed_meanwhile';
    else
      if p_kind <> 'cleanup' then
        before := jsonb_build_object('status', target.status, 'archived_at', target.archived_at,
          'app_overrides', target.app_overrides, 'deployment_overrides', target.deployment_overrides);
      end if;
      update deployments d
      set status = coalesce(p_during, d.status), status_updated_at = now(), updated_at = now(), revision = default,
        app_overrides = coalesce(p_app, d.app_overrides),
        deployment_overrides = coalesce(p_deployment, d.deployment_overrides),
        archived_at = case when p_kind = 'cleanup' then d.archived_at end
      where d.id = target.id
      returning * into target;
    end if;
  end if;
  if outcome is not null then
    delete from idempotency_keys k where k.key = p_key;
    return;
  end if;

  insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source, reason, config_checked,
    undo, usual_duration_ms)
  values (target.id, p_kind, 'queued', target.app_overrides, target.deployment_overrides, p_actor, p_source, p_reason,
    p_config_checked, before, usual_duration_ms(target.id, p_kind))
  returning id into action_id;
  update idempotency_keys k set action_id = begin_action.action_id where k.key = p_key;
  outcome := 'begun';
  select f.body into body from full_infos f where f.id = target.id;
end
$$;

create or replace function start_action(p_id bigint, p_epoch int, p_links jsonb) returns json language plpgsql as $$
declare
  target bigint;
begin
  update actions set state = 'running', started_at = now(), undo = null
  where id = p_id and lease_epoch = p_epoch and state = 'queued' and lease_expires_at > now()
  returning deployment_id into target;
  if target is null then return null; end if;
  update deployments set links = coalesce(p_links, links), revision = default where id = target;
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
    error = p_error, truncated = p_truncated
  where id = p_id and lease_epoch = p_epoch and state in ('queued', 'running')
  returning deployment_id, undo into target, before;
  if target is null then return null; end if;
  return settle_deployment(target, p_status, case when p_state <> 'succeeded' then before end);
end
$$;
