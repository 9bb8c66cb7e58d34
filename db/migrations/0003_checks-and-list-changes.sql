-- The bookkeeping of checks gets a small table of its own: a check no longer copies the overrides and links of its
-- deployment, nor the entries of all indexes. The list finds changes by random ids instead of transaction ids, which
-- another cluster or an older backup repeats.

-- PostgreSQL drops no column that a view needs. Its definition is applied again in this transaction.
drop view if exists deployment_details;

-- One row for each deployment, inserted by a trigger (plan_check). It has no unique index: while a transaction
-- elsewhere stays open, PostgreSQL would compare each new version of a row with all its versions since then.
create table deployment_checks (
  deployment_id bigint not null references deployments on delete cascade,
  -- Null: the status of the deployment has no check.
  next_check_at timestamptz,
  -- Grows with every claim and with every change of the status. A result that carries an older one is rejected.
  claim bigint not null default 0,
  -- Not indexed, so that claims and renewals leave the indexes alone.
  lease_expires_at timestamptz,
  checked_at timestamptz,
  exit_code smallint,
  error text
) with (fillfactor = 50);
insert into deployment_checks (deployment_id, next_check_at, checked_at, exit_code, error)
select id, case when status not in ('Archived', 'CleanupFailed') then next_check_at end,
  case when check_exit_code is not null or check_error is not null then checked_at end, check_exit_code, check_error
from deployments;
create index deployment_checks_of_deployment on deployment_checks (deployment_id);
create index deployment_checks_by_time on deployment_checks (next_check_at, deployment_id) where next_check_at is not null;
-- Logical replication needs it of a table without a primary key.
alter table deployment_checks replica identity full;

-- With the columns go their indexes.
alter table deployments
  drop column checked_at,
  drop column next_check_at,
  drop column check_exit_code,
  drop column check_error,
  drop column changed_xid,
  -- Random; a new one with each change of the revision. 0: unchanged since this migration.
  add column change_id bigint not null default 0;
-- No query sorts by it: servers sort the list.
drop index deployments_by_change;

alter table change_counts
  drop column deletions,
  -- Random; a new one with each change of a deployment of the shard.
  add column change_id bigint not null default 0;
