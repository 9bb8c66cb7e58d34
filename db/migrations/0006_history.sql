-- The history is deleted behind: a deployment, an action or an output is marked as gone in one short transaction, and its
-- rows are deleted later, in batches. Only triggers connect the tables then (db/definitions/triggers.sql), because a
-- foreign key would forbid the mark or delete all rows at once.

-- Deployments whose actions are still to be deleted. The actions up to last_action_id are gone.
create table deleted_deployments (
  id bigint primary key,
  deleted_at timestamptz not null default now(),
  last_action_id bigint not null default 0
);

-- The size of the output of each action, and its removal. Readers see no chunk of a removed output. Its chunks up to
-- deleted_to_seq are gone. A row stays as long as its action, and tells when and why the output was removed.
create table stored_outputs (
  action_id bigint primary key,
  bytes bigint not null default 0,
  chunks bigint not null default 0,
  removed_at timestamptz,
  removal_reason text,
  deleted_to_seq int not null default 0,
  is_deleted boolean not null default false
) with (fillfactor = 80);
create index stored_outputs_present on stored_outputs (action_id) where removed_at is null;
create index stored_outputs_to_delete on stored_outputs (action_id) where removed_at is not null and not is_deleted;

-- The size of all output that is not removed is the sum of these rows. 64 rows make it rare that two transactions wait for
-- the same one.
create table output_totals (
  shard int primary key,
  bytes bigint not null default 0,
  chunks bigint not null default 0
) with (fillfactor = 50);
insert into output_totals (shard) select generate_series(0, 63);

-- Where the sweeps of the limits go on.
create table history_sweeps (
  name text primary key,
  place jsonb not null default '{}',
  next_at timestamptz not null default now()
);
insert into history_sweeps (name, place) values
  ('deployments', '{}'),
  ('total', '{}'),
  -- Counts the output of the actions that have ended before; triggers count what is written from now on. Not in this transaction,
  -- because it may take long. An action that runs now is counted from now on.
  ('count', jsonb_build_object('untilActionId', (select coalesce(max(id), 0) from actions), 'endedBefore', now()));

-- By their tables, because their names in a database of Octopod 1.6 are not certain.
do $$
declare
  key record;
begin
  for key in
    select conrelid::regclass as table_name, conname from pg_constraint
    where contype = 'f' and (conrelid, confrelid) in (
      ('actions'::regclass, 'deployments'::regclass), ('action_output'::regclass, 'actions'::regclass))
  loop
    execute format('alter table %s drop constraint %I', key.table_name, key.conname);
  end loop;
end
$$;
