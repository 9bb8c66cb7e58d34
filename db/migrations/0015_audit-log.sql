-- The audit log: who did what, with proof. Entries are written in the transaction of the change and never changed. A sealer chains
-- them by hash. Functions and triggers are in definitions/audit.sql; they make the partitions of the months.

create sequence audit_entry_id;

create table audit_entries (
  id bigint not null default nextval('audit_entry_id'),
  at timestamptz not null default now(),
  operation text not null,
  outcome text not null check (outcome in ('accepted', 'refused')),
  actor text not null,
  issuer text,
  subject text,
  proof text not null,
  claimed_actor text,
  source text,
  reason text,
  address text,
  request_id text,
  -- By name, because an entry outlives its deployment and its action.
  deployment text,
  action_id bigint,
  -- How many equal events the entry stands for.
  count int not null default 1,
  -- json, which keeps its text: the hash of an entry is the same after a dump and a restore, and with any version of PostgreSQL.
  details json not null default '{}',
  primary key (id, at)
) partition by range (at);
create index audit_entries_by_time on audit_entries (at, id);
create index audit_entries_of_deployment on audit_entries (deployment, at, id) where deployment is not null;
create index audit_entries_of_actor on audit_entries (actor, at, id);
create index audit_entries_of_subject on audit_entries (subject, at, id) where subject is not null;
create index audit_entries_of_claimed_actor on audit_entries (claimed_actor, at, id) where claimed_actor is not null;
create index audit_entries_of_operation on audit_entries (operation, at, id);
create index audit_entries_of_refusals on audit_entries (at, id) where outcome = 'refused';
-- A net: for a month whose partition could not be made in time.
create table audit_entries_default partition of audit_entries default;

-- Entries that no seal covers yet. Rows, and not the number of the last one: transactions commit in another order than they number
-- their entries, and transaction ids begin anew after a dump and a restore.
create table audit_unsealed (
  entry_id bigint primary key,
  at timestamptz not null
);

-- The chain. Ids have no gap. A seal covers entries of its own month or earlier ones, so it is dropped after them.
create table audit_seals (
  id bigint not null,
  sealed_at timestamptz not null,
  entry_ids bigint[] not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  entries_hash bytea not null,
  previous_hash bytea not null,
  hash bytea not null,
  primary key (id, sealed_at)
) partition by range (sealed_at);
create index audit_seals_by_hash on audit_seals (hash);
create table audit_seals_default partition of audit_seals default;

-- Who has read which output in which hour: one entry for each.
create table audit_output_reads (
  reader text not null,
  action_id bigint not null,
  hour timestamptz not null,
  primary key (reader, action_id, hour)
);
create index audit_output_reads_by_hour on audit_output_reads (hour);
