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

-- The same rule as isInScope in domain/access/roles.ts.
create or replace function is_owner_in_scope(d deployments, p_scope text, p_issuer text, p_subject text) returns boolean
language sql immutable parallel safe as $$
  select case
    when p_scope = 'all' then true
    when d.owner_subject is null then p_scope = 'own_or_unowned'
    else p_scope in ('own', 'own_or_unowned') and coalesce((d.owner_issuer, d.owner_subject) = (p_issuer, p_subject), false)
  end
$$;

-- outcome: enqueued, replayed, or the code of the refusal. A refusal changes nothing and leaves the idempotency key
-- free. p_app_overrides and p_deployment_overrides null: keep the stored ones. p_revision: refuse if the overrides
-- changed after it. p_scope: the deployments for which the caller has the right (domain/access/roles.ts). p_changes: what the
-- request changes, with secrets masked, in a config of the revision p_changes_revision; for the audit log.
drop function if exists enqueue_action(text, text, text[], text, jsonb, jsonb, text, text, text, boolean, text, text, bigint);
drop function if exists enqueue_action(text, text, text[], text, jsonb, jsonb, text, text, text, boolean, text, text, bigint,
  text, text, text, text, text);
drop function if exists enqueue_action(text, text, text[], text, jsonb, jsonb, text, text, text, boolean, text, text, bigint,
  text, text, text, text, text, text, text, jsonb, bigint);
drop function if exists enqueue_action(text, text, text[], text, jsonb, jsonb, text, text, text, boolean, text, text, bigint,
  text, text, text, text, text, text, text, jsonb, bigint, text);
create or replace function enqueue_action(
  p_name text, p_kind text, p_allowed_statuses text[], p_running_status text, p_app_overrides jsonb, p_deployment_overrides jsonb,
  p_actor text, p_source text, p_reason text, p_config_checked boolean, p_key text, p_fingerprint text, p_revision bigint,
  -- A server of an earlier version does not send them.
  p_issuer text default null, p_subject text default null, p_proof text default 'claimed', p_claimed_actor text default null,
  p_scope text default 'all', p_address text default null, p_request_id text default null, p_changes jsonb default null,
  p_changes_revision bigint default null, p_actor_link text default null, p_labels jsonb default null, p_title text default null,
  out outcome text, out status text, out action_id bigint, out body json
) language plpgsql as $$
declare
  target deployments;
  before deployments;
  previous jsonb;
  changes jsonb;
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
    if target.id is null then
      outcome := 'no_such_deployment';
    elsif not is_owner_in_scope(target, p_scope, p_issuer, p_subject) then
      outcome := 'not_owner';
    elsif exists (select from actions a where a.deployment_id = target.id and a.state in ('queued', 'running')) then
      outcome := 'busy';
    elsif target.status <> all (p_allowed_statuses) then
      outcome := 'invalid_transition';
    elsif target.config_revision > p_revision then
      outcome := 'precondition_failed';
    else
      -- A cleanup that never starts ends as CleanupFailed, so that retention does not request it again.
      if p_kind <> 'cleanup' then
        previous := jsonb_build_object('status', target.status, 'archived_at', target.archived_at,
          'app_overrides', target.app_overrides, 'deployment_overrides', target.deployment_overrides);
      end if;
      before := target;
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
    previous_deployment, expected_duration_ms, actor_issuer, actor_subject, proof, claimed_actor, actor_link)
  values (target.id, p_kind, 'queued', target.app_overrides, target.deployment_overrides, p_actor, p_source, p_reason,
    p_config_checked, previous, expected_duration_ms(target.id, p_kind), p_issuer, p_subject, p_proof, p_claimed_actor,
    p_actor_link)
  returning id into action_id;
  update idempotency_keys k set action_id = enqueue_action.action_id where k.key = p_key;
  if p_kind in ('create', 'update') then
    changes := case
      when p_changes is not null and coalesce(before.config_revision, 0) = p_changes_revision then p_changes
      else jsonb_build_object('changes', jsonb_path_query_array(
        changed_config_keys('application', coalesce(before.app_overrides, '[]'), target.app_overrides)
          || changed_config_keys('deployment', coalesce(before.deployment_overrides, '[]'), target.deployment_overrides), '$[0 to 49]'))
    end;
  end if;
  if p_kind = 'create' then changes := changes || describe_new_labels(target.labels, target.title); end if;
  perform insert_audit_entry(p_kind, 'accepted', p_actor, p_issuer, p_subject, p_proof, p_claimed_actor, p_source, p_reason, p_address,
    p_request_id, target.name, action_id, 1,
    (jsonb_build_object('status', jsonb_build_object('before', before.status, 'after', target.status)) || coalesce(changes, '{}'))::json);
  outcome := 'enqueued';
  select f.body into body from deployment_details f where f.id = target.id;
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
