-- Keys that a keys script has marked as secret. They stay: what was secret once does not become visible by itself.
create table secret_keys (
  key text primary key,
  marked_at timestamptz not null default now()
);
