-- Accepting an action, and starting one that waits. The rules stay in domain/: statuses come as parameters. Each statement of a
-- function sees what was committed before it, so a check after a lock sees the changes of the lock's last owner.

-- What an action that ends before its script starts restores. A cleanup that never starts ends as CleanupFailed, so that retention
-- does not request it again.
create or replace function state_before_action(d deployments, p_kind text) returns jsonb language sql immutable parallel safe as $$
  select case when p_kind <> 'cleanup' then jsonb_build_object('status', d.status, 'archived_at', d.archived_at,
    'app_overrides', d.app_overrides, 'deployment_overrides', d.deployment_overrides) end
$$;

-- The deployment gets the status and the config of an action that is queued now. Null overrides: it keeps its own.
create or replace function apply_queued_action(
  p_deployment_id bigint, p_kind text, p_running_status text, p_app_overrides jsonb, p_deployment_overrides jsonb
) returns deployments language sql as $$
  update deployments d
  set status = coalesce(p_running_status, d.status), status_updated_at = now(), updated_at = now(), revision = default,
    app_overrides = coalesce(p_app_overrides, d.app_overrides),
    deployment_overrides = coalesce(p_deployment_overrides, d.deployment_overrides),
    archived_at = case when p_kind = 'cleanup' then d.archived_at end
  where d.id = p_deployment_id
  returning *
$$;

-- Ends the waiting action of a deployment for a newer one. The caller has locked the deployment. Returns its id.
create or replace function supersede_waiting_action(
  d deployments, p_newer_action_id bigint, p_actor text, p_issuer text, p_subject text, p_proof text, p_claimed_actor text,
  p_source text, p_reason text, p_address text, p_request_id text
) returns bigint language plpgsql as $$
declare
  message text := format('Replaced by action %s of %s.', p_newer_action_id, d.name);
  superseded bigint;
begin
  update actions set state = 'superseded', finished_at = now(), error = message
  where deployment_id = d.id and state = 'waiting'
  returning id into superseded;
  if superseded is not null then
    perform insert_audit_entry('end_waiting', 'accepted', p_actor, p_issuer, p_subject, p_proof, p_claimed_actor, p_source, p_reason,
      p_address, p_request_id, d.name, superseded, 1, json_build_object('message', message, 'newer_action_id', p_newer_action_id));
  end if;
  return superseded;
end
$$;

-- outcome: enqueued, replayed, or the code of the refusal. A refusal changes nothing and leaves the idempotency key
-- free. p_app_overrides and p_deployment_overrides null: keep the stored ones. p_revision: refuse if the overrides
-- changed after it. p_scope: the deployments for which the caller has the right (domain/access/roles.ts). p_changes: what the
-- request changes, with secrets masked, in a config of the revision p_changes_revision; for the audit log. p_waiting_statuses: in
-- these the action waits, behind an active one or for a check (start_waiting_action); none: it is refused then.
drop function if exists enqueue_action(text, text, text[], text, jsonb, jsonb, text, text, text, boolean, text, text, bigint);
drop function if exists enqueue_action(text, text, text[], text, jsonb, jsonb, text, text, text, boolean, text, text, bigint,
  text, text, text, text, text);
drop function if exists enqueue_action(text, text, text[], text, jsonb, jsonb, text, text, text, boolean, text, text, bigint,
  text, text, text, text, text, text, text, jsonb, bigint);
drop function if exists enqueue_action(text, text, text[], text, jsonb, jsonb, text, text, text, boolean, text, text, bigint,
  text, text, text, text, text, text, text, jsonb, bigint, text);
drop function if exists enqueue_action(text, text, text[], text, jsonb, jsonb, text, text, text, boolean, text, text, bigint,
  text, text, text, text, text, text, text, jsonb, bigint, text, jsonb, text);
drop function if exists enqueue_action(text, text, text[], text, jsonb, jsonb, text, text, text, boolean, text, text, bigint,
  text, text, text, text, text, text, text, jsonb, bigint, text, jsonb, text, text[]);
create or replace function enqueue_action(
  p_name text, p_kind text, p_allowed_statuses text[], p_running_status text, p_app_overrides jsonb, p_deployment_overrides jsonb,
  p_actor text, p_source text, p_reason text, p_config_checked boolean, p_key text, p_fingerprint text, p_revision bigint,
  -- A server of an earlier version does not send them.
  p_issuer text default null, p_subject text default null, p_proof text default 'claimed', p_claimed_actor text default null,
  p_scope text default 'all', p_address text default null, p_request_id text default null, p_changes jsonb default null,
  p_changes_revision bigint default null, p_actor_link text default null, p_labels jsonb default null, p_title text default null,
  p_waiting_statuses text[] default '{}', p_is_bulk boolean default false,
  out outcome text, out status text, out action_id bigint, out body json
) language plpgsql as $$
declare
  target deployments;
  before deployments;
  active_action_id bigint;
  waits boolean := false;
  superseded bigint;
  details jsonb;
begin
  if p_key is not null then
    -- A concurrent request with the same key waits here until the first one has committed or failed.
    insert into idempotency_keys (key, fingerprint) values (p_key, p_fingerprint) on conflict do nothing;
    if not found then
      select case when k.fingerprint = p_fingerprint then 'replayed' else 'idempotency_key_reused' end, k.action_id
      into outcome, action_id from idempotency_keys k where k.key = p_key;
      return;
    end if;
  end if;

  if p_kind = 'create' then
    insert into deployments (name, status, app_overrides, deployment_overrides, links, labels, title, owner_issuer, owner_subject,
      owner_name)
    values (p_name, p_running_status, coalesce(p_app_overrides, '[]'), coalesce(p_deployment_overrides, '[]'), '[]',
      coalesce(p_labels, '{}'), p_title,
      -- A CI job owns nothing, so that every developer may change what it has created.
      case when p_proof <> 'exchange' then p_issuer end, case when p_proof <> 'exchange' then p_subject end,
      case when p_proof <> 'exchange' and p_subject is not null then p_actor end)
    on conflict (name) do nothing
    returning * into target;
    if target.id is null then outcome := 'name_taken'; end if;
  else
    select * into target from deployments d where d.name = p_name for update;
    status := target.status;
    select a.id into active_action_id from actions a where a.deployment_id = target.id and a.state in ('queued', 'running');
    if target.id is null then
      outcome := 'no_such_deployment';
    elsif not is_owner_in_scope(target, p_scope, p_issuer, p_subject) then
      outcome := 'not_owner';
    elsif target.status = any (p_waiting_statuses) then
      waits := true;
    -- Behind an action after which it could not start either, it does not wait.
    elsif active_action_id is not null and (p_waiting_statuses = '{}' or target.status = any (p_allowed_statuses)) then
      outcome := 'busy';
    elsif target.status <> all (p_allowed_statuses) then
      outcome := 'invalid_transition';
    end if;
    if outcome is null and target.config_revision > p_revision then outcome := 'precondition_failed'; end if;
  end if;
  if outcome is not null then
    delete from idempotency_keys k where k.key = p_key;
    return;
  end if;

  action_id := nextval('actions_id_seq');
  if p_kind <> 'create' then
    before := target;
    superseded := supersede_waiting_action(target, action_id, p_actor, p_issuer, p_subject, p_proof, p_claimed_actor, p_source, p_reason,
      p_address, p_request_id);
    if waits then
      update deployments d set revision = default where d.id = target.id;
    else
      target := apply_queued_action(target.id, p_kind, p_running_status, p_app_overrides, p_deployment_overrides);
    end if;
  end if;

  insert into actions (id, deployment_id, kind, state, app_overrides, deployment_overrides, actor, source, reason, config_checked,
    previous_deployment, expected_duration_ms, actor_issuer, actor_subject, proof, claimed_actor, actor_link, is_bulk,
    wait_conditions)
  values (action_id, target.id, p_kind, case when waits then 'waiting' else 'queued' end,
    coalesce(p_app_overrides, target.app_overrides), coalesce(p_deployment_overrides, target.deployment_overrides), p_actor, p_source,
    p_reason, p_config_checked, case when not waits and p_kind <> 'create' then state_before_action(before, p_kind) end,
    expected_duration_ms(target.id, p_kind), p_issuer, p_subject, p_proof, p_claimed_actor, p_actor_link, p_is_bulk,
    case when waits then jsonb_build_object('scope', p_scope, 'allowed_statuses', p_allowed_statuses,
      'waiting_statuses', p_waiting_statuses, 'running_status', p_running_status, 'sets_config', p_app_overrides is not null) end);
  update idempotency_keys k set action_id = enqueue_action.action_id where k.key = p_key;
  details := jsonb_build_object('status', jsonb_build_object('before', before.status, 'after', target.status));
  if waits then
    details := details || jsonb_build_object('waits', true, 'waits_behind_action_id', active_action_id);
  end if;
  if superseded is not null then details := details || jsonb_build_object('superseded_action_id', superseded); end if;
  if p_kind in ('create', 'update') then
    details := details || case
      when p_changes is not null and coalesce(before.config_revision, 0) = p_changes_revision then p_changes
      else jsonb_build_object('changes', jsonb_path_query_array(
        changed_config_keys('application', coalesce(before.app_overrides, '[]'), coalesce(p_app_overrides, target.app_overrides))
          || changed_config_keys('deployment', coalesce(before.deployment_overrides, '[]'),
            coalesce(p_deployment_overrides, target.deployment_overrides)), '$[0 to 49]'))
    end;
  end if;
  if p_kind = 'create' then details := details || coalesce(describe_new_labels(target.labels, target.title), '{}'); end if;
  perform insert_audit_entry(p_kind, 'accepted', p_actor, p_issuer, p_subject, p_proof, p_claimed_actor, p_source, p_reason, p_address,
    p_request_id, target.name, action_id, 1, details::json);
  outcome := 'enqueued';
  select f.body into body from deployment_details f where f.id = target.id;
end
$$;

-- Queues the waiting action of a deployment when nothing of the deployment is active and its status allows the action; ends it with
-- the reason when its status never will, or when the owner has changed. Called in the transaction that sets the status (trigger
-- start_waiting_action), and by the sweep of the runners. Returns the id of the action that it has queued or ended.
create or replace function start_waiting_action(p_deployment_id bigint) returns bigint language plpgsql as $$
declare
  target deployments;
  waiting actions;
  conditions jsonb;
  sets_config boolean;
  refusal text;
begin
  -- Without a lock first, because hardly any deployment has one.
  perform from actions a where a.deployment_id = p_deployment_id and a.state = 'waiting';
  if not found then return null; end if;
  select * into target from deployments d where d.id = p_deployment_id for update;
  perform from actions a where a.deployment_id = p_deployment_id and a.state in ('queued', 'running');
  if found then return null; end if;
  select * into waiting from actions a where a.deployment_id = p_deployment_id and a.state = 'waiting';
  if target.id is null or waiting.id is null then return null; end if;
  conditions := waiting.wait_conditions;
  if conditions -> 'allowed_statuses' ? target.status then
    if not is_owner_in_scope(target, conditions ->> 'scope', waiting.actor_issuer, waiting.actor_subject) then
      refusal := format('It did not start: %s has another owner now.', target.name);
    end if;
  elsif conditions -> 'waiting_statuses' ? target.status then
    return null;
  else
    refusal := format('It did not start: %s is %s now.', target.name, target.status);
  end if;

  if refusal is not null then
    update actions set state = 'cancelled', finished_at = now(), error = refusal where id = waiting.id;
    perform insert_audit_entry('end_waiting', 'accepted', 'octopod', null, null, 'system', null, null, null, null, null,
      target.name, waiting.id, 1, json_build_object('message', refusal));
    return waiting.id;
  end if;

  sets_config := (conditions ->> 'sets_config')::boolean;
  update actions
  set state = 'queued', queued_at = now(), wait_conditions = null, previous_deployment = state_before_action(target, waiting.kind),
    expected_duration_ms = expected_duration_ms(target.id, waiting.kind),
    -- The config that was checked when it was accepted.
    config_checked = config_checked and (sets_config
      or (app_overrides, deployment_overrides) is not distinct from (target.app_overrides, target.deployment_overrides)),
    app_overrides = case when sets_config then app_overrides else target.app_overrides end,
    deployment_overrides = case when sets_config then deployment_overrides else target.deployment_overrides end
  where id = waiting.id
  returning * into waiting;
  perform insert_audit_entry('start_waiting', 'accepted', 'octopod', null, null, 'system', null, null, null, null, null, target.name,
    waiting.id, 1, json_build_object('status', json_build_object('before', target.status,
      'after', coalesce(conditions ->> 'running_status', target.status))));
  perform apply_queued_action(target.id, waiting.kind, conditions ->> 'running_status', waiting.app_overrides,
    waiting.deployment_overrides);
  return waiting.id;
end
$$;
