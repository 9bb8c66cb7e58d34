-- The tables of Octopod 1.6. A database of Octopod 1.6 has them already and stays as it is; an empty database gets them, so that
-- both continue with the same next migration.

create table if not exists deployments (
  id bigserial primary key,
  name text not null unique,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  archived_at timestamptz,
  status text not null,
  status_updated_at timestamptz not null default now(),
  checked_at timestamptz not null default now(),
  app_overrides jsonb not null,
  deployment_overrides jsonb not null,
  links jsonb not null
);

create table if not exists deployment_logs (
  id bigserial primary key,
  deployment_id bigint references deployments,
  action text,
  exit_code smallint,
  created_at timestamptz not null default now(),
  archived boolean default false,
  duration interval,
  stdout text,
  stderr text,
  app_overrides jsonb not null,
  deployment_overrides jsonb not null
);
