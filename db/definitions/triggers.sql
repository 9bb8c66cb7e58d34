-- Triggers: fencing tokens, revisions, the version of the list, status changes, history. They hold for every writer, also
-- for wrong code. Error OC001 means that the write came too late or from a writer that does not hold the lease.

-- Fencing tokens -----------------------------------------------------------------------------------------------

-- An ended action is final. An active one changes its state, lease or start only by a statement that sets writer_token
-- to the current fencing token, or that takes the next token after the lease has expired. The trigger clears
-- writer_token, so a later statement without it is rejected.
create or replace function enforce_fencing_token() returns trigger language plpgsql as $$
begin
  -- No runner holds a waiting action.
  if old.state = 'waiting' then
    if new.state not in ('waiting', 'queued', 'superseded', 'cancelled') or new.lease_expires_at is not null then
      raise exception 'action % waits and cannot become %', old.id, new.state using errcode = 'OC001';
    end if;
    new.writer_token := null;
    return new;
  end if;
  if old.state not in ('queued', 'running') and new is distinct from old then
    raise exception 'action % has ended as %', old.id, old.state using errcode = 'OC001';
  end if;
  if new.fencing_token < old.fencing_token then
    raise exception 'action %: stale fencing token %', old.id, new.fencing_token using errcode = 'OC001';
  end if;
  if new.fencing_token > old.fencing_token and old.lease_expires_at > now() then
    raise exception 'action %: the lease has not expired', old.id using errcode = 'OC001';
  end if;
  if new.state in ('waiting', 'superseded') then
    raise exception 'action % is % and cannot become %', old.id, old.state, new.state using errcode = 'OC001';
  end if;
  if old.state = 'running' and new.state = 'queued' then
    raise exception 'action % has started and cannot be queued again', old.id using errcode = 'OC001';
  end if;
  if new.fencing_token = old.fencing_token and new.writer_token is distinct from old.fencing_token
    and (new.state, new.lease_expires_at, new.started_at) is distinct from (old.state, old.lease_expires_at, old.started_at)
    -- A cancel may end a queued action that no runner holds.
    and not (new.state = 'cancelled' and old.state = 'queued' and (old.lease_expires_at is null or old.lease_expires_at <= now()))
  then
    raise exception 'action %: the fencing token is %, the writer has %', old.id, old.fencing_token,
      coalesce(new.writer_token::text, 'none') using errcode = 'OC001';
  end if;
  new.writer_token := null;
  return new;
end
$$;
create or replace trigger enforce_fencing_token before update on actions for each row execute function enforce_fencing_token();

create or replace function prevent_active_action_delete() returns trigger language plpgsql as $$
begin
  if old.state in ('queued', 'running') then
    raise exception 'action % has not ended', old.id using errcode = 'OC001';
  end if;
  return old;
end
$$;
create or replace trigger prevent_active_action_delete before delete on actions
  for each row execute function prevent_active_action_delete();

-- The row lock orders output and the end of its action: without it a chunk could be committed after the end. Also counts the output.
create or replace function enforce_output_fencing_token() returns trigger language plpgsql as $$
begin
  perform from actions where id in (select action_id from new_rows) order by id for share;
  if exists (
    select from new_rows n left join actions a on a.id = n.action_id
    where a.fencing_token is distinct from n.fencing_token or a.state not in ('queued', 'running')
  ) then
    raise exception 'output with a stale fencing token' using errcode = 'OC001';
  end if;
  insert into stored_outputs as stored (action_id, bytes, chunks)
  select action_id, sum(octet_length(text)), count(*) from new_rows group by action_id
  on conflict (action_id) do update
  set bytes = stored.bytes + excluded.bytes, chunks = stored.chunks + excluded.chunks;
  return null;
end
$$;
create or replace trigger enforce_output_fencing_token after insert on action_output
  referencing new table as new_rows for each statement execute function enforce_output_fencing_token();

-- Revisions and the version of the list ------------------------------------------------------------------------

-- Unique in practice, also among histories of the database that a failover or a restored backup has split. Below 2^53.
create or replace function random_change_id() returns bigint language sql volatile as $$
  select floor(random() * 9007199254740991)::bigint
$$;

create or replace function set_revision() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    new.config_revision := new.revision;
    new.change_id := random_change_id();
    return new;
  end if;
  if new.revision <= old.revision and (
    new.status, new.links, new.app_overrides, new.deployment_overrides, new.updated_at, new.archived_at, new.name,
    new.labels, new.title
  ) is distinct from (
    old.status, old.links, old.app_overrides, old.deployment_overrides, old.updated_at, old.archived_at, old.name,
    old.labels, old.title
  ) then
    new.revision := nextval('deployment_revision');
  end if;
  if new.revision <> old.revision then
    new.change_id := random_change_id();
    if (new.app_overrides, new.deployment_overrides) is distinct from (old.app_overrides, old.deployment_overrides) then
      new.config_revision := new.revision;
    end if;
  end if;
  return new;
end
$$;
create or replace trigger set_revision before insert or update on deployments for each row execute function set_revision();

-- One change for each deployment and transaction: its clients get one event.
create or replace function count_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    perform from deployments where id = new.id and revision = new.revision;
    if not found then return null; end if;
  end if;
  update change_counts
  set changes = changes + 1, change_id = random_change_id()
  where shard = coalesce(new.id, old.id) % 64;
  return null;
end
$$;
-- Deferred to the commit, so that the row of the counter is locked as briefly as possible.
drop trigger if exists count_insert_or_delete on deployments;
create constraint trigger count_insert_or_delete after insert or delete on deployments
  deferrable initially deferred for each row execute function count_change();
drop trigger if exists count_update on deployments;
create constraint trigger count_update after update on deployments
  deferrable initially deferred for each row when (new.revision <> old.revision) execute function count_change();

-- Checks -----------------------------------------------------------------------------------------------------

-- A check is due at once after the start and the end of an action, and after another check has changed the status. The
-- result of a check that began before is rejected, because it was due at another time. Its lease stays: until the check
-- has ended, no other check and no script of an action starts. Archived deployments have no checks.
create or replace function plan_check() returns trigger language plpgsql as $$
declare
  next_check timestamptz := case when new.status not in ('Archived', 'CleanupFailed') then now() end;
begin
  if tg_op = 'INSERT' then
    insert into deployment_checks (deployment_id, next_check_at) values (new.id, next_check);
  else
    update deployment_checks set next_check_at = next_check, stopped_waiting_by = null where deployment_id = new.id;
  end if;
  return null;
end
$$;
create or replace trigger plan_check after insert or update of status on deployments
  for each row execute function plan_check();

-- Waiting actions --------------------------------------------------------------------------------------------

-- After plan_check, by its name. Whatever sets the status, also a program of an earlier version, starts what waits for it.
create or replace function start_waiting_action_of_row() returns trigger language plpgsql as $$
begin
  perform start_waiting_action(new.id);
  return null;
end
$$;
create or replace trigger start_waiting_action after update of status on deployments
  for each row execute function start_waiting_action_of_row();

-- Status changes -----------------------------------------------------------------------------------------------

-- Deferred, because the explanation of a failure is stored after the status, in the same transaction. `failure` is what
-- failed in it: an action that ended, else the last check.
create or replace function log_status_change() returns trigger language plpgsql as $$
declare
  last actions;
  explanation jsonb;
begin
  -- The one after it may have waited for its end.
  select * into last from (
    select * from actions where deployment_id = new.id and wait_conditions is null order by id desc limit 2) as recent
  where finished_at = now() limit 1;
  if last.id is not null then
    explanation := to_api_action_failure(last, true) || jsonb_build_object('exit_code', last.exit_code);
  end if;
  if explanation is null then
    select to_api_check_failure(c, false, true) || jsonb_build_object('exit_code', c.exit_code) into explanation
    from deployment_checks c where c.deployment_id = new.id;
  end if;
  insert into status_changes (deployment, old_status, new_status, failure, action_id)
  values (new.name, old.status, new.status, explanation,
    coalesce(last.id, (select max(id) from actions where deployment_id = new.id and wait_conditions is null)));
  return null;
end
$$;
drop trigger if exists log_status_change on deployments;
create constraint trigger log_status_change after update of status on deployments
  deferrable initially deferred for each row when (new.status <> old.status) execute function log_status_change();

-- History ------------------------------------------------------------------------------------------------------

-- Instead of a foreign key: actions outlive their deployment until they are deleted behind it.
create or replace function require_deployment() returns trigger language plpgsql as $$
begin
  perform from deployments where id = new.deployment_id for key share;
  if not found then
    raise exception 'there is no deployment %', new.deployment_id using errcode = 'foreign_key_violation';
  end if;
  return new;
end
$$;
create or replace trigger require_deployment before insert or update of deployment_id on actions
  for each row when (new.deployment_id is not null) execute function require_deployment();

-- After the delete, when no new action can be added any more.
create or replace function note_deleted_deployment() returns trigger language plpgsql as $$
declare
  message text := 'It did not start: its deployment was deleted.';
  waiting_id bigint;
begin
  if exists (select from actions where deployment_id = old.id and state in ('queued', 'running')) then
    raise exception 'an action of deployment % has not ended', old.id using errcode = 'OC001';
  end if;
  update actions set state = 'cancelled', finished_at = now(), error = message
  where deployment_id = old.id and state = 'waiting'
  returning id into waiting_id;
  if waiting_id is not null then
    perform insert_audit_entry('end_waiting', 'accepted', 'octopod', null, null, 'system', null, null, null, null, null, old.name,
      waiting_id, 1, json_build_object('message', message));
  end if;
  insert into deleted_deployments (id) values (old.id);
  delete from script_failures where subject = 'deployment ' || old.id;
  return null;
end
$$;
create or replace trigger note_deleted_deployment after delete on deployments
  for each row execute function note_deleted_deployment();

-- Also without output, because what was printed while the database was migrated is not counted.
create or replace function note_deleted_actions() returns trigger language plpgsql as $$
begin
  insert into stored_outputs (action_id, removed_at) select id, now() from old_rows
  on conflict (action_id) do update set removed_at = coalesce(stored_outputs.removed_at, now()), is_deleted = false;
  return null;
end
$$;
create or replace trigger note_deleted_actions after delete on actions
  referencing old table as old_rows for each statement execute function note_deleted_actions();

create or replace function count_output() returns trigger language plpgsql as $$
declare
  more_bytes bigint := coalesce(case when new.removed_at is null then new.bytes end, 0)
    - coalesce(case when old.removed_at is null then old.bytes end, 0);
  more_chunks bigint := coalesce(case when new.removed_at is null then new.chunks end, 0)
    - coalesce(case when old.removed_at is null then old.chunks end, 0);
begin
  if more_bytes <> 0 or more_chunks <> 0 then
    update output_totals set bytes = bytes + more_bytes, chunks = chunks + more_chunks
    where shard = coalesce(new.action_id, old.action_id) % 64;
  end if;
  return null;
end
$$;
create or replace trigger count_output after insert or delete or update of bytes, chunks, removed_at on stored_outputs
  for each row execute function count_output();
