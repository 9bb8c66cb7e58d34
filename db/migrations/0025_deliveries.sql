-- Notifications: a status change becomes one delivery for each receiver, and each is sent at least once.
alter table status_changes
  add column event_id uuid not null default gen_random_uuid(),
  add column action_id bigint;

-- `receiver`: script, or webhook: and its name. `held_until`: until then a runner is sending it. `failed_at`: all attempts have failed.
create table deliveries (
  id bigint primary key generated always as identity,
  event_id uuid not null,
  receiver text not null,
  deployment text not null,
  event jsonb not null,
  created_at timestamptz not null default now(),
  attempts int not null default 0,
  next_attempt_at timestamptz not null default now(),
  runner text,
  held_until timestamptz,
  last_error text,
  failed_at timestamptz
);
create index deliveries_by_receiver on deliveries (receiver, id) where failed_at is null;
create index deliveries_in_order on deliveries (receiver, deployment, id) where failed_at is null;
create index deliveries_by_age on deliveries (created_at);
create index deliveries_failed on deliveries (failed_at) where failed_at is not null;
