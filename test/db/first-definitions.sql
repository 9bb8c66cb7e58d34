-- Functions, triggers and views as the migrations 0003_triggers, 0004_views and 0005_functions made them before they became
-- definitions. Run by run-migrations.test.ts, to upgrade such a database.
create function enforce_fencing_token() returns trigger language plpgsql as $$
begin
  if old.state not in ('queued', 'running') and new is distinct from old then
    raise exception 'action % has ended as %', old.id, old.state using errcode = 'OC001';
  end if;
  if new.fencing_token < old.fencing_token then
    raise exception 'action %: stale fencing token %', old.id, new.fencing_token using errcode = 'OC001';
  end if;
  if new.fencing_token > old.fencing_token and old.lease_expires_at > now() then
    raise exception 'action %: the lease has not expired', old.id using errcode = 'OC001';
  end if;
  if old.state = 'running' and new.state = 'queued' then
    raise exception 'action % has started and cannot be queued again', old.id using errcode = 'OC001';
  end if;
  if new.fencing_token = old.fencing_token and new.writer_token is distinct from old.fencing_token
    and (new.state, new.lease_expires_at, new.started_at) is distinct from (old.state, old.lease_expires_at, old.started_at)
    and not (new.state = 'cancelled' and old.state = 'queued' and (old.lease_expires_at is null or old.lease_expires_at <= now()))
  then
    raise exception 'action %: the fencing token is %, the writer has %', old.id, old.fencing_token,
      coalesce(new.writer_token::text, 'none') using errcode = 'OC001';
  end if;
  new.writer_token := null;
  return new;
end
$$;
create trigger enforce_fencing_token before update on actions for each row execute function enforce_fencing_token();
create function prevent_active_action_delete() returns trigger language plpgsql as $$
begin
  if old.state in ('queued', 'running') then
    raise exception 'action % has not ended', old.id using errcode = 'OC001';
  end if;
  return old;
end
$$;
create trigger prevent_active_action_delete before delete on actions
  for each row execute function prevent_active_action_delete();
create function enforce_output_fencing_token() returns trigger language plpgsql as $$
begin
  perform from actions where id in (select action_id from new_rows) order by id for share;
  if exists (
    select from new_rows n join actions a on a.id = n.action_id
    where a.fencing_token <> n.fencing_token or a.state not in ('queued', 'running')
  ) then
    raise exception 'output with a stale fencing token' using errcode = 'OC001';
  end if;
  return null;
end
$$;
create trigger enforce_output_fencing_token after insert on action_output
  referencing new table as new_rows for each statement execute function enforce_output_fencing_token();
create function set_revision() returns trigger language plpgsql as $$
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
    new.changed_xid := pg_current_xact_id();
    if (new.app_overrides, new.deployment_overrides) is distinct from (old.app_overrides, old.deployment_overrides) then
      new.config_revision := new.revision;
    end if;
  end if;
  return new;
end
$$;
create trigger set_revision before insert or update on deployments for each row execute function set_revision();
create function count_change() returns trigger language plpgsql as $$
begin
  update change_counts
  set changes = changes + 1, deletions = deletions + (tg_op = 'DELETE')::int
  where shard = coalesce(new.id, old.id) % 64;
  return null;
end
$$;
create constraint trigger count_insert_or_delete after insert or delete on deployments
  deferrable initially deferred for each row execute function count_change();
create constraint trigger count_update after update on deployments
  deferrable initially deferred for each row when (new.revision <> old.revision) execute function count_change();
create function log_status_change() returns trigger language plpgsql as $$
begin
  insert into status_changes (deployment, old_status, new_status) values (new.name, old.status, new.status);
  return null;
end
$$;
create trigger log_status_change after update of status on deployments
  for each row when (new.status <> old.status) execute function log_status_change();
create function to_api_time(at timestamptz) returns text language sql stable parallel safe as $$
  select to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;
create function to_api_status(status text) returns json language sql stable parallel safe as $$
  select case
    when status in ('GenericFailure', 'PartialAvailability', 'TagMismatch')
      then json_build_object('tag', 'Failure', 'contents', status)
    else json_build_object('tag', status)
  end
$$;
create function to_api_action_kind(kind text) returns text language sql immutable parallel safe as $$
  select initcap(kind) || 'Action'
$$;
create function to_api_action_summary(a actions) returns json language sql stable parallel safe as $$
  select json_build_object(
    'action_id', a.id,
    'action', to_api_action_kind(a.kind),
    'state', a.state,
    'attempt', a.attempt,
    'actor', a.actor,
    'source', a.source,
    'reason', a.reason,
    'created_at', to_api_time(a.created_at),
    'started_at', to_api_time(a.started_at),
    'finished_at', to_api_time(a.finished_at),
    'exit_code', a.exit_code,
    'signal', a.signal,
    'error', a.error,
    'truncated', a.truncated,
    'cancel_requested_at', to_api_time(a.cancel_requested_at),
    'cancelled_by', a.cancelled_by)
$$;
create view deployment_details as
select d.id, d.name, d.updated_at, d.revision, d.changed_xid, d.checked_at, d.check_exit_code, d.check_error,
  json_build_object(
    'deployment', json_build_object(
      'name', d.name, 'app_overrides', d.app_overrides, 'deployment_overrides', d.deployment_overrides),
    'status', json_build_object(
      'tag', case when (a.last).state in ('queued', 'running') then 'DeploymentPending' else 'DeploymentNotPending' end,
      'recorded_status', to_api_status(d.status)),
    'metadata', d.links,
    'created_at', to_api_time(d.created_at),
    'updated_at', to_api_time(d.updated_at),
    'revision', d.revision,
    'last_action', case
      when (a.last).state in ('queued', 'running') then (
        to_api_action_summary(a.last)::jsonb
        || jsonb_build_object('expected_duration_ms', (a.last).expected_duration_ms))::json
      when (a.last).id is not null then to_api_action_summary(a.last)
    end) as body
from deployments d
left join lateral (
  select a as last from actions a where a.deployment_id = d.id order by a.id desc limit 1
) as a on true;
create function expected_duration_ms(p_deployment_id bigint, p_kind text) returns bigint
language sql stable parallel safe as $$
  select round(extract(epoch from coalesce(
    (select percentile_disc(0.5) within group (order by finished_at - started_at) from (
      select * from (
        select kind, state, started_at, finished_at from actions
        where deployment_id = p_deployment_id order by id desc limit 50
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
create function enqueue_action(
  p_name text, p_kind text, p_allowed_statuses text[], p_running_status text, p_app_overrides jsonb, p_deployment_overrides jsonb,
  p_actor text, p_source text, p_reason text, p_config_checked boolean, p_key text, p_fingerprint text, p_revision bigint,
  out outcome text, out status text, out action_id bigint, out body json
) language plpgsql as $$
declare
  target deployments;
  previous jsonb;
begin
  if p_key is not null then
    insert into idempotency_keys (key, fingerprint) values (p_key, p_fingerprint) on conflict do nothing;
    if not found then
      select case when k.fingerprint = p_fingerprint then 'replayed' else 'idempotency_key_reused' end, k.action_id
      into outcome, action_id from idempotency_keys k where k.key = p_key;
      return;
    end if;
  end if;
  if p_kind = 'create' then
    insert into deployments (name, status, app_overrides, deployment_overrides, links)
    values (p_name, p_running_status, coalesce(p_app_overrides, '[]'), coalesce(p_deployment_overrides, '[]'), '[]')
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
    elsif target.status <> all (p_allowed_statuses) then
      outcome := 'invalid_transition';
    elsif target.config_revision > p_revision then
      outcome := 'precondition_failed';
    else
      if p_kind <> 'cleanup' then
        previous := jsonb_build_object('status', target.status, 'archived_at', target.archived_at,
          'app_overrides', target.app_overrides, 'deployment_overrides', target.deployment_overrides);
      end if;
      update deployments d
      set status = coalesce(p_running_status, d.status), status_updated_at = now(), updated_at = now(), revision = default,
        app_overrides = coalesce(p_app_overrides, d.app_overrides),
        deployment_overrides = coalesce(p_deployment_overrides, d.deployment_overrides),
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
    previous_deployment, expected_duration_ms)
  values (target.id, p_kind, 'queued', target.app_overrides, target.deployment_overrides, p_actor, p_source, p_reason,
    p_config_checked, previous, expected_duration_ms(target.id, p_kind))
  returning id into action_id;
  update idempotency_keys k set action_id = enqueue_action.action_id where k.key = p_key;
  outcome := 'enqueued';
  select f.body into body from deployment_details f where f.id = target.id;
end
$$;
create function start_action(p_id bigint, p_fencing_token int, p_links jsonb) returns json language plpgsql as $$
declare
  target bigint;
begin
  update actions set state = 'running', started_at = now(), previous_deployment = null, writer_token = p_fencing_token
  where id = p_id and fencing_token = p_fencing_token and state = 'queued' and lease_expires_at > now()
    and cancel_requested_at is null
  returning deployment_id into target;
  if target is not null then
    update deployments set links = coalesce(p_links, links), revision = default where id = target;
  else
    select deployment_id into target from actions
    where id = p_id and fencing_token = p_fencing_token and state = 'running' and lease_expires_at > now();
  end if;
  return (select body from deployment_details where id = target);
end
$$;
create function finish_deployment(p_id bigint, p_status text, p_previous jsonb) returns json language plpgsql as $$
begin
  update deployments
  set status_updated_at = now(), updated_at = now(), next_check_at = now(), revision = default,
    status = coalesce(p_previous ->> 'status', p_status),
    app_overrides = coalesce(p_previous -> 'app_overrides', app_overrides),
    deployment_overrides = coalesce(p_previous -> 'deployment_overrides', deployment_overrides),
    archived_at = case when p_previous is null then archived_at else (p_previous ->> 'archived_at')::timestamptz end
  where id = p_id;
  return (select body from deployment_details where id = p_id);
end
$$;
create function finish_action(
  p_id bigint, p_fencing_token int, p_state text, p_exit_code int, p_signal text, p_error text, p_truncated boolean, p_status text
) returns json language plpgsql as $$
declare
  target bigint;
  previous jsonb;
begin
  update actions
  set state = p_state, finished_at = now(), lease_expires_at = null, exit_code = p_exit_code, signal = p_signal,
    error = p_error, truncated = p_truncated, writer_token = p_fencing_token
  where id = p_id and fencing_token = p_fencing_token and state in ('queued', 'running')
  returning deployment_id, previous_deployment into target, previous;
  if target is null then return null; end if;
  return finish_deployment(target, p_status, case when p_state <> 'succeeded' then previous end);
end
$$;
create table migrations (id serial primary key, name varchar(255) not null, run_on timestamp not null);
insert into migrations (name, run_on) values
  ('0001_octopod-1-6', now()), ('0002_tables', now()), ('0003_triggers', now()), ('0004_views', now()), ('0005_functions', now());
