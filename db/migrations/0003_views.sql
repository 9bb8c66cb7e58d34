-- Up Migration
-- The JSON of the wire, made by PostgreSQL: the list of a thousand deployments is then one value to pass on.

create function wire_time(at timestamptz) returns text language sql stable parallel safe as $$
  select to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- Stable, as json_build_object is: declared immutable it would not be inlined.
create function wire_status(status text) returns json language sql stable parallel safe as $$
  select case
    when status in ('GenericFailure', 'PartialAvailability', 'TagMismatch')
      then json_build_object('tag', 'Failure', 'contents', status)
    else json_build_object('tag', status)
  end
$$;

create function wire_action(kind text) returns text language sql immutable parallel safe as $$
  select initcap(kind) || 'Action'
$$;

create function wire_action_summary(a actions) returns json language sql stable parallel safe as $$
  select json_build_object(
    'action_id', a.id,
    'action', wire_action(a.kind),
    'state', a.state,
    'attempt', a.attempt,
    'actor', a.actor,
    'source', a.source,
    'reason', a.reason,
    'created_at', wire_time(a.created_at),
    'started_at', wire_time(a.started_at),
    'finished_at', wire_time(a.finished_at),
    'exit_code', a.exit_code,
    'signal', a.signal,
    'error', a.error,
    'truncated', a.truncated,
    'cancel_requested_at', wire_time(a.cancel_requested_at),
    'cancelled_by', a.cancelled_by)
$$;

create view full_infos as
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
    'last_action', case when (a.last).id is not null then wire_action_summary(a.last) end) as body
from deployments d
left join lateral (
  select a as last from actions a where a.deployment_id = d.id order by a.id desc limit 1
) as a on true;
