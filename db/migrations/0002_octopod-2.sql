-- Up Migration
-- From Octopod 1.6 to 2: log rows become actions that exist before their script starts, output becomes numbered
-- chunks, every visible change gets a revision. Data is carried over, nothing is dropped before it is copied.

-- The left-over enum `actions` would clash with the row type of the table `actions`.
do $$
begin
  if exists (
    select from pg_type t join pg_namespace n on n.oid = t.typnamespace
    where t.typname = 'actions' and t.typtype = 'e' and n.nspname = current_schema()
  ) then
    alter type actions rename to octopod_1_actions;
  end if;
end
$$;

-- Deployments ------------------------------------------------------------------------------------------------

create sequence deployment_revision;

-- One row with a status nobody knows would stop the checks of all: it becomes a failure, which a check can heal.
update deployments set status = 'GenericFailure' where status not in (
  'Running', 'GenericFailure', 'PartialAvailability', 'TagMismatch', 'CreatePending', 'UpdatePending',
  'ArchivePending', 'Archived', 'CleanupFailed');

alter table deployments
  alter column created_at set default now(),
  alter column updated_at set default now(),
  alter column status_updated_at set default now(),
  alter column checked_at set default now(),
  add column revision bigint not null default nextval('deployment_revision'),
  add column changed_xid xid8 not null default pg_current_xact_id(),
  add column next_check_at timestamptz not null default now(),
  add column check_exit_code smallint,
  add column check_error text,
  add constraint status_known check (status in (
    'Running', 'GenericFailure', 'PartialAvailability', 'TagMismatch', 'CreatePending', 'UpdatePending',
    'ArchivePending', 'Archived', 'CleanupFailed'));

create index deployments_by_change on deployments (updated_at desc, id desc);
create index deployments_by_changed_xid on deployments (changed_xid);
create index deployments_to_check on deployments (next_check_at) where status not in ('Archived', 'CleanupFailed');
create index deployments_to_clean_up on deployments (archived_at) where status = 'Archived';

-- Actions ----------------------------------------------------------------------------------------------------

alter table deployment_logs rename to actions;
alter sequence deployment_logs_id_seq rename to actions_id_seq;
alter table actions rename column action to kind;

alter table actions
  add column state text,
  add column attempt int not null default 1,
  add column actor text not null default 'unknown',
  add column source text not null default 'octopod-1',
  add column reason text,
  add column started_at timestamptz,
  add column finished_at timestamptz,
  add column signal text,
  add column error text,
  add column truncated boolean not null default false,
  add column cancel_requested_at timestamptz,
  add column cancelled_by text,
  add column config_checked boolean not null default false,
  add column runner text,
  add column lease_epoch int not null default 0,
  add column lease_expires_at timestamptz;

update actions set
  kind = case
    when kind in ('create', 'update', 'archive', 'restore', 'cleanup') then kind
    when kind = 'delete' then 'archive'
    else 'update'
  end,
  state = case when exit_code = 0 then 'succeeded' else 'failed' end,
  finished_at = created_at,
  started_at = created_at - coalesce(duration, interval '0');

create table action_output (
  action_id bigint not null references actions on delete cascade,
  seq int not null check (seq > 0),
  stream text not null check (stream in ('stdout', 'stderr')),
  text text not null,
  lease_epoch int not null,
  created_at timestamptz not null default now(),
  primary key (action_id, seq)
);

-- Chunks of up to 64 KiB, cut between characters. Bytes, for to find the n-th character PostgreSQL reads from the first
-- one every time: 64 MiB of output take 3 s this way and 5 minutes with substr() of the text (measured).
do $$
declare
  old record;
  bytes bytea;
  cut_at int;
  size int;
  last_id bigint := 0;
  last_seq int;
begin
  for old in
    select id, created_at, 'stdout' as stream, stdout as whole from actions where stdout <> ''
    union all
    select id, created_at, 'stderr', stderr from actions where stderr <> ''
    order by id, stream desc
  loop
    if old.id <> last_id then
      last_id := old.id;
      last_seq := 0;
    end if;
    bytes := convert_to(old.whole, 'UTF8');
    cut_at := 0;
    while cut_at < length(bytes) loop
      size := least(65536, length(bytes) - cut_at);
      while cut_at + size < length(bytes) and get_byte(bytes, cut_at + size) & 192 = 128 loop
        size := size - 1;
      end loop;
      last_seq := last_seq + 1;
      insert into action_output (action_id, seq, stream, text, lease_epoch, created_at)
      values (old.id, last_seq, old.stream, convert_from(substr(bytes, cut_at + 1, size), 'UTF8'), 0, old.created_at);
      cut_at := cut_at + size;
    end loop;
  end loop;
end
$$;

alter table actions
  alter column kind set not null,
  alter column state set not null,
  alter column source drop default,
  alter column actor drop default,
  alter column exit_code drop not null,
  alter column duration drop not null,
  alter column created_at set default now(),
  drop column stdout,
  drop column stderr,
  drop column duration,
  drop column archived,
  add constraint kind_known check (kind in ('create', 'update', 'archive', 'restore', 'cleanup')),
  add constraint state_known check (state in (
    'queued', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'interrupted')),
  add constraint ended_has_time check ((state in ('queued', 'running')) = (finished_at is null)),
  add constraint running_has_started check (state <> 'running' or started_at is not null);

-- Law 2: at most one action of a deployment at a time.
create unique index actions_one_active on actions (deployment_id) where state in ('queued', 'running');
create index actions_of_deployment on actions (deployment_id, id desc);

-- Law 3: the fence. An ended action is final; a running one moves only by the hand that holds the present epoch,
-- or by one that takes a newer epoch after the lease has run out.
create function guard_action() returns trigger language plpgsql as $$
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
  return new;
end
$$;
create trigger guard_action before update on actions for each row execute function guard_action();

create function guard_output() returns trigger language plpgsql as $$
begin
  if exists (
    select from new_rows n join actions a on a.id = n.action_id
    where a.lease_epoch <> n.lease_epoch or a.state not in ('queued', 'running')
  ) then
    raise exception 'output with a stale epoch' using errcode = 'OC001';
  end if;
  return null;
end
$$;
create trigger guard_output after insert on action_output
  referencing new table as new_rows for each statement execute function guard_output();

-- The list's version -----------------------------------------------------------------------------------------

-- How many visible changes have been committed is the sum of these rows. It is exact, because each is counted in
-- the change's own transaction, and spread over 64 rows so that changes seldom wait for each other.
create table change_counts (
  shard int primary key,
  changes bigint not null default 0,
  deletions bigint not null default 0
) with (fillfactor = 50);
insert into change_counts (shard) select generate_series(0, 63);

create function set_revision() returns trigger language plpgsql as $$
begin
  if new.revision <= old.revision and (
    new.status, new.links, new.app_overrides, new.deployment_overrides, new.updated_at, new.archived_at, new.name
  ) is distinct from (
    old.status, old.links, old.app_overrides, old.deployment_overrides, old.updated_at, old.archived_at, old.name
  ) then
    new.revision := nextval('deployment_revision');
  end if;
  -- Lets a reader ask for what its last snapshot did not see: whatever such a transaction changed is at least its xmin.
  if new.revision <> old.revision then
    new.changed_xid := pg_current_xact_id();
  end if;
  return new;
end
$$;
create trigger set_revision before update on deployments for each row execute function set_revision();

create function count_change() returns trigger language plpgsql as $$
begin
  update change_counts
  set changes = changes + 1, deletions = deletions + (tg_op = 'DELETE')::int
  where shard = coalesce(new.id, old.id) % 64;
  return null;
end
$$;
-- Deferred to the commit, so that the counter's row is locked for as short as possible.
create constraint trigger count_made_or_forgotten after insert or delete on deployments
  deferrable initially deferred for each row execute function count_change();
create constraint trigger count_change after update on deployments
  deferrable initially deferred for each row when (new.revision <> old.revision) execute function count_change();

-- Status changes waiting for the notifications script ------------------------------------------------------------

create table status_changes (
  id bigserial primary key,
  deployment text not null,
  old_status text not null,
  new_status text not null,
  created_at timestamptz not null default now()
);

create function note_status_change() returns trigger language plpgsql as $$
begin
  insert into status_changes (deployment, old_status, new_status) values (new.name, old.status, new.status);
  return null;
end
$$;
create trigger note_status_change after update of status on deployments
  for each row when (new.status <> old.status) execute function note_status_change();

-- Requests already answered --------------------------------------------------------------------------------------

create table idempotency_keys (
  key text primary key,
  fingerprint text not null,
  action_id bigint,
  created_at timestamptz not null default now()
);
create index idempotency_keys_by_age on idempotency_keys (created_at);
