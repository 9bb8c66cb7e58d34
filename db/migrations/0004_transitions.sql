-- Up Migration
-- The hot transitions as one round trip each. The rules stay in the domain: statuses come as parameters. Each statement in
-- a function sees what was committed before it, so that looking after a lock sees what the lock's last holder did.

-- Gives a deployment the status its ended action leaves, and has it checked at once.
create function settle_deployment(p_id bigint, p_status text) returns json language plpgsql as $$
begin
  update deployments
  set status = p_status, status_updated_at = now(), updated_at = now(), next_check_at = now(), revision = default
  where id = p_id;
  return (select body from full_infos where id = p_id);
end
$$;

-- outcome: begun, replayed, or the code of the refusal (then nothing has changed, and the key is free again).
create function begin_action(
  p_name text, p_kind text, p_allowed text[], p_during text, p_app jsonb, p_deployment jsonb,
  p_actor text, p_source text, p_reason text, p_config_checked boolean, p_key text, p_fingerprint text,
  out outcome text, out status text, out action_id bigint, out body json
) language plpgsql as $$
declare
  target deployments;
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
    else
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

  insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source, reason, config_checked)
  values (target.id, p_kind, 'queued', target.app_overrides, target.deployment_overrides, p_actor, p_source, p_reason, p_config_checked)
  returning id into action_id;
  update idempotency_keys k set action_id = begin_action.action_id where k.key = p_key;
  outcome := 'begun';
  select f.body into body from full_infos f where f.id = target.id;
end
$$;

-- Null: the epoch is stale, or the lease has run out. p_links null: keep what is stored.
create function start_action(p_id bigint, p_epoch int, p_links jsonb) returns json language plpgsql as $$
declare
  target bigint;
begin
  update actions set state = 'running', started_at = now()
  where id = p_id and lease_epoch = p_epoch and state = 'queued' and lease_expires_at > now()
  returning deployment_id into target;
  if target is null then return null; end if;
  update deployments set links = coalesce(p_links, links), revision = default where id = target;
  return (select body from full_infos where id = target);
end
$$;

-- Null: the epoch is stale.
create function finish_action(
  p_id bigint, p_epoch int, p_state text, p_exit_code int, p_signal text, p_error text, p_truncated boolean, p_status text
) returns json language plpgsql as $$
declare
  target bigint;
begin
  update actions
  set state = p_state, finished_at = now(), lease_expires_at = null, exit_code = p_exit_code, signal = p_signal,
    error = p_error, truncated = p_truncated
  where id = p_id and lease_epoch = p_epoch and state in ('queued', 'running')
  returning deployment_id into target;
  if target is null then return null; end if;
  return settle_deployment(target, p_status);
end
$$;
