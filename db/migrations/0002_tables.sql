-- Tables and indexes of Octopod 2. The log rows of Octopod 1.6 become actions, which exist before their script starts; their
-- output becomes numbered chunks. Each column is copied before it is dropped.

-- The enum `actions` of Octopod 1.6 has the name that the row type of the table `actions` needs.
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

-- An unknown status would stop the checks of all deployments. It becomes a failure, which the next check corrects.
update deployments set status = 'GenericFailure' where status not in (
  'Running', 'GenericFailure', 'PartialAvailability', 'TagMismatch', 'CreatePending', 'UpdatePending',
  'ArchivePending', 'Archived', 'CleanupFailed');

alter table deployments
  alter column created_at set default now(),
  alter column updated_at set default now(),
  alter column status_updated_at set default now(),
  alter column checked_at set default now(),
  add column revision bigint not null default nextval('deployment_revision'),
  -- The last transaction that changed the revision: readers ask for the rows that their last snapshot did not see.
  add column changed_xid xid8 not null default pg_current_xact_id(),
  add column next_check_at timestamptz not null default now(),
  add column check_exit_code smallint,
  add column check_error text,
  -- The revision at which the overrides last changed. If-Match compares with it.
  add column config_revision bigint not null default 0,
  add constraint status_known check (status in (
    'Running', 'GenericFailure', 'PartialAvailability', 'TagMismatch', 'CreatePending', 'UpdatePending',
    'ArchivePending', 'Archived', 'CleanupFailed'));

create index deployments_by_change on deployments (updated_at desc, id desc);
create index deployments_by_changed_xid on deployments (changed_xid);
create index deployments_by_next_check on deployments (next_check_at) where status not in ('Archived', 'CleanupFailed');
create index deployments_by_archived_at on deployments (archived_at) where status = 'Archived';

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
  -- Grows with every claim. A write that carries an older token is rejected (enforce_fencing_token).
  add column fencing_token int not null default 0,
  add column lease_expires_at timestamptz,
  -- The deployment's status, overrides and archiving time before this action; null once the script has started. An action that ends
  -- before its script starts restores them.
  add column previous_deployment jsonb,
  add column expected_duration_ms bigint,
  -- Only a parameter of an update: the fencing token that the writer holds. Always null in stored rows.
  add column writer_token int;

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
  fencing_token int not null,
  created_at timestamptz not null default now(),
  primary key (action_id, seq)
);

-- Splits the output of Octopod 1.6 into chunks of up to 64 KiB, cut between characters. The loop works on bytes: substr() of a text
-- scans from the first character each time. 64 MiB of output take 3 s this way and 5 minutes with substr() of the text.
do $$
declare
  source record;
  bytes bytea;
  start_at int;
  size int;
  last_id bigint := 0;
  last_seq int;
begin
  for source in
    select id, created_at, 'stdout' as stream, stdout as text from actions where stdout <> ''
    union all
    select id, created_at, 'stderr', stderr from actions where stderr <> ''
    order by id, stream desc
  loop
    if source.id <> last_id then
      last_id := source.id;
      last_seq := 0;
    end if;
    bytes := convert_to(source.text, 'UTF8');
    start_at := 0;
    while start_at < length(bytes) loop
      size := least(65536, length(bytes) - start_at);
      while start_at + size < length(bytes) and get_byte(bytes, start_at + size) & 192 = 128 loop
        size := size - 1;
      end loop;
      last_seq := last_seq + 1;
      insert into action_output (action_id, seq, stream, text, fencing_token, created_at)
      values (source.id, last_seq, source.stream, convert_from(substr(bytes, start_at + 1, size), 'UTF8'), 0, source.created_at);
      start_at := start_at + size;
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

-- A deployment has at most one active action.
create unique index actions_one_active on actions (deployment_id) where state in ('queued', 'running');
create index actions_of_deployment on actions (deployment_id, id desc);
create index actions_succeeded_by_kind on actions (kind, id desc) where state = 'succeeded';

-- Other tables -----------------------------------------------------------------------------------------------

-- The version of the deployment list is the sum of these rows: the number of committed visible changes. Each transaction counts
-- its own changes. 64 rows make it rare that two transactions wait for the same one.
create table change_counts (
  shard int primary key,
  changes bigint not null default 0,
  deletions bigint not null default 0
) with (fillfactor = 50);
insert into change_counts (shard) select generate_series(0, 63);

-- Status changes that wait for the notifications script.
create table status_changes (
  id bigserial primary key,
  deployment text not null,
  old_status text not null,
  new_status text not null,
  created_at timestamptz not null default now()
);

-- Idempotency keys of accepted requests.
create table idempotency_keys (
  key text primary key,
  fingerprint text not null,
  action_id bigint,
  created_at timestamptz not null default now()
);
create index idempotency_keys_by_age on idempotency_keys (created_at);
