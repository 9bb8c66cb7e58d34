-- The JSON of the API, built by PostgreSQL: a server passes the list of a thousand deployments on as one value.

create or replace function to_api_time(at timestamptz) returns text language sql stable parallel safe as $$
  select to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- Stable like json_build_object. PostgreSQL would not inline an immutable function that calls a stable one.
create or replace function to_api_status(status text) returns json language sql stable parallel safe as $$
  select case
    when status in ('GenericFailure', 'PartialAvailability', 'TagMismatch')
      then json_build_object('tag', 'Failure', 'contents', status)
    else json_build_object('tag', status)
  end
$$;

create or replace function to_api_action_kind(kind text) returns text language sql immutable parallel safe as $$
  select initcap(kind) || 'Action'
$$;

-- Rows of older programs may hold entries without a key or a value. One such entry would make a client reject the whole list, and
-- scripts do not get it either (storedOverrides in domain/schemas.ts). A removed key with `"contents": null` stays, without it.
create or replace function to_api_overrides(overrides jsonb) returns jsonb language sql immutable parallel safe as $$
  select case
    when jsonb_path_query_array(overrides, 'strict $[*] ? (@.size() == 2 && @[0].type() == "string"
        && ((@[1].tag == "ValueDeleted" && !exists (@[1].contents))
          || (@[1].tag == "ValueAdded" && @[1].contents.type() == "string")))', '{}', true) = overrides then overrides
    else (
      select coalesce(jsonb_agg(
        case entry #>> '{1,tag}' when 'ValueDeleted' then entry #- '{1,contents}' else entry end order by position), '[]')
      from jsonb_array_elements(jsonb_path_query_array(overrides, 'strict $[*] ? (@.size() == 2 && @[0].type() == "string"
        && (@[1].tag == "ValueDeleted" || (@[1].tag == "ValueAdded" && @[1].contents.type() == "string")))', '{}', true))
        with ordinality as entries (entry, position))
  end
$$;

create or replace function to_api_links(links jsonb) returns jsonb language sql immutable parallel safe as $$
  select jsonb_path_query_array(
    links, 'strict $[*] ? (@.name.type() == "string" && @.link.type() == "string")', '{}', true)
$$;

-- For actions of Octopod 1.6, which have no explanation.
create or replace function to_failure_message(a actions) returns text language sql stable parallel safe as $$
  select case
    when a.state = 'timed_out' then 'The script ran too long and was ended.'
    when a.state <> 'failed' then null
    when a.signal is not null then 'The script was ended by the signal ' || a.signal || '.'
    else 'The script failed' || coalesce(' with exit code ' || a.exit_code, '') || '.'
  end
$$;

-- An explanation for a reader who may (with_output) or may not read output. The best remedy comes first; a check has its
-- own (check_remedies).
create or replace function to_api_failure(failure jsonb, what text, message text, check_remedies jsonb, with_output boolean)
returns jsonb language sql immutable parallel safe as $$
  select jsonb_build_object(
    'what', coalesce(failure ->> 'what', what),
    'script', failure -> 'script',
    'message', coalesce(failure ->> 'message', message),
    'hint', case when with_output then failure -> 'hint' end,
    'output', case when with_output then failure -> 'output' end,
    'output_hidden', not with_output and failure ->> 'output' is not null,
    'remedies', case
      when check_remedies is not null then check_remedies
      when failure ->> 'what' in ('config_check', 'config_script') then '["edit", "retry"]'::jsonb
      else '["retry", "edit"]'::jsonb
    end || case
      when with_output and check_remedies is null then '["show_output"]'::jsonb
      when not with_output and failure ->> 'output' is not null then '["sign_in"]'::jsonb
      else '[]'::jsonb
    end)
$$;

-- Null: the action did not fail.
create or replace function to_api_action_failure(a actions, with_output boolean) returns jsonb language sql stable parallel safe as $$
  select case when a.state in ('failed', 'timed_out', 'interrupted') then to_api_failure(
    a.failure,
    case a.state when 'timed_out' then 'time_limit' when 'interrupted' then 'runner_lost' else 'script' end,
    coalesce(a.error, to_failure_message(a), 'The action was interrupted.'), null, with_output) end
$$;

-- Null: the last check did not fail, and nobody stopped waiting. A person may end the wait of a pending deployment.
create or replace function to_api_check_failure(c deployment_checks, is_pending boolean, with_output boolean)
returns jsonb language sql stable parallel safe as $$
  select case
    when c.stopped_waiting_by is not null then to_api_failure(
      coalesce(c.failure, '{}') || jsonb_build_object('what', 'stopped_waiting',
        'message', c.stopped_waiting_by || ' stopped waiting for the check.'),
      null, null, '["edit", "retry"]', with_output)
    when c.error is not null then to_api_failure(c.failure, 'script', c.error,
      case when is_pending then '["stop_waiting", "edit"]' else '["edit"]' end::jsonb, with_output)
  end
$$;

-- The scripts beside actions and checks whose last run failed. What the last check says already is left out.
create or replace function to_api_failed_scripts(p_deployment_id bigint, c deployment_checks, with_output boolean)
returns json language sql stable parallel safe as $$
  select coalesce(json_agg(json_build_object(
    'failed_at', to_api_time(f.failed_at),
    'failure', to_api_failure(f.failure, 'script', f.failure ->> 'message', '[]', with_output)) order by f.script), '[]')
  from script_failures f
  where f.subject in ('deployment ' || p_deployment_id, 'config', 'config ' || c.config_hash)
    and f.script is distinct from case when c.error is not null then c.failure ->> 'script' end
$$;

create or replace function to_api_action_summary(a actions) returns json language sql stable parallel safe as $$
  select json_build_object(
    'action_id', a.id,
    'action', to_api_action_kind(a.kind),
    'state', a.state,
    'attempt', a.attempt,
    'actor', a.actor,
    'proof', a.proof,
    'claimed_actor', a.claimed_actor,
    'source', a.source,
    'reason', a.reason,
    'created_at', to_api_time(a.created_at),
    'started_at', to_api_time(a.started_at),
    'finished_at', to_api_time(a.finished_at),
    'exit_code', a.exit_code,
    'signal', a.signal,
    'error', coalesce(a.error, to_failure_message(a)),
    'truncated', a.truncated,
    'cancel_requested_at', to_api_time(a.cancel_requested_at),
    'cancelled_by', a.cancelled_by)
$$;

-- `body` is the FullInfo of the API without what getFullInfos adds.
create or replace view deployment_details as
select d.id, d.name, d.updated_at, d.revision, d.change_id, d.status,
  json_build_object(
    'deployment', json_build_object(
      'name', d.name,
      'app_overrides', to_api_overrides(d.app_overrides),
      'deployment_overrides', to_api_overrides(d.deployment_overrides)),
    'status', json_build_object(
      'tag', case when (a.last).state in ('queued', 'running') then 'DeploymentPending' else 'DeploymentNotPending' end,
      'recorded_status', to_api_status(d.status)),
    'metadata', to_api_links(d.links),
    'created_at', to_api_time(d.created_at),
    'updated_at', to_api_time(d.updated_at),
    'revision', d.revision,
    'owner', case when d.owner_subject is not null then json_build_object(
      'issuer', d.owner_issuer, 'subject', d.owner_subject, 'name', d.owner_name) end,
    'labels', d.labels,
    'title', d.title,
    'last_action', case
      when (a.last).state in ('queued', 'running') then (
        to_api_action_summary(a.last)::jsonb
        || jsonb_build_object('expected_duration_ms', (a.last).expected_duration_ms))::json
      when (a.last).id is not null then to_api_action_summary(a.last)
    end,
    'waiting_action', (
      select json_build_object('action_id', w.id, 'action', to_api_action_kind(w.kind), 'actor', w.actor,
        'created_at', to_api_time(w.created_at))
      from actions w where w.deployment_id = d.id and w.state = 'waiting' limit 1)) as body,
  a.last as last_action,
  d.status_updated_at
from deployments d
left join lateral (
  -- Clients of Octopod 1.6 know no action that never left its wait.
  select a as last from actions a where a.deployment_id = d.id and a.wait_conditions is null order by a.id desc limit 1
) as a on true;
