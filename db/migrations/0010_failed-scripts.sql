-- Control scripts whose last run failed, beside those of actions and checks. Bounded: at most two rows for each deployment
-- and each config that a deployment has.
create table script_failures (
  -- What the script ran for: `deployment ID`, `config HASH` of the deployment config that it received, or `config` without one.
  subject text not null,
  script text not null,
  failed_at timestamptz not null default now(),
  -- In the shape of domain/failures/failure.ts.
  failure jsonb not null,
  primary key (subject, script)
);

-- What the runner of the last check knew. Null: not checked since this migration.
alter table deployment_checks add column config_hash text;
-- The runner's STATUS_UPDATE_TIMEOUT.
alter table deployment_checks add column status_update_timeout interval;
