-- Idempotency keys of refused requests. A request that arrived before `refused_at` must not act any more (require_request_in_time).
create table refused_keys (
  key text primary key,
  refused_at timestamptz not null
);
create index refused_keys_by_age on refused_keys (refused_at);
