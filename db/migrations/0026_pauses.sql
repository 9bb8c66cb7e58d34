-- Work that is paused for all deployments. A row stays after its end: a check that was paused does not count that time.
-- `paused_until` null: until somebody resumes.
create table pauses (
  what text primary key,
  paused_at timestamptz not null default now(),
  paused_until timestamptz,
  paused_by text not null,
  reason text not null,
  constraint pause_known check (what in ('checks', 'retention', 'notifications'))
);
