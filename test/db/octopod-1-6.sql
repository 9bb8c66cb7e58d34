-- A database as Octopod 1.6 leaves it behind (contract §6), with a row of every kind. Written for this test.
create schema sqitch;
create table sqitch.projects (project text primary key, created_at timestamptz not null default now());
create table sqitch.changes (change_id text primary key, change text not null, committed_at timestamptz not null default now());
insert into sqitch.projects (project) values ('octopod');
insert into sqitch.changes (change_id, change) values ('1', 'init'), ('2', 'overrides');

create type actions as enum ('create', 'update', 'delete', 'archive', 'restore');
create type statuses as enum ('Running', 'Failure', 'CreatePending', 'UpdatePending', 'DeletePending');
create type scopes as enum ('app', 'deployment');
create type visibilities as enum ('private', 'public');

create table deployments (
  id bigserial primary key,
  name text not null unique,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  archived_at timestamptz,
  status text not null,
  status_updated_at timestamptz not null,
  checked_at timestamptz not null,
  app_overrides jsonb not null,
  deployment_overrides jsonb not null,
  links jsonb not null
);

create table deployment_logs (
  id bigserial primary key,
  deployment_id bigint references deployments,
  action text,
  exit_code smallint not null,
  created_at timestamptz not null,
  archived boolean not null default false,
  duration interval not null,
  stdout text,
  stderr text,
  app_overrides jsonb not null,
  deployment_overrides jsonb not null
);

insert into deployments
  (id, name, created_at, updated_at, archived_at, status, status_updated_at, checked_at, app_overrides, deployment_overrides, links)
select id, name, '2022-01-01 10:00:00.5+00', ('2022-02-01 10:00:00+00'::timestamptz + id * interval '1 day'), archived_at, status,
  '2022-02-01 10:00:00+00', '2022-03-01 10:00:00+00', app::jsonb, dep::jsonb, links::jsonb
from (values
  (3, 'running', null::timestamptz, 'Running',
    '[["image.tag", {"tag": "ValueAdded", "contents": "v1"}], ["debug", {"tag": "ValueDeleted"}]]',
    '[["replicas", {"tag": "ValueAdded", "contents": "2"}]]',
    '[{"name": "app", "link": "https://running.example.com"}, {"name": "logs", "link": "https://logs.example.com/?q=running"}]'),
  (5, 'generic', null, 'GenericFailure', '[]', '[]', '[]'),
  (6, 'partial', null, 'PartialAvailability', '[["k", {"tag": "ValueAdded", "contents": "line\nbreak \"quoted\" ключ 😀"}]]', '[]', '[]'),
  (7, 'mismatch', null, 'TagMismatch', '[]', '[]', '[]'),
  (8, 'creating', null, 'CreatePending', '[]', '[]', '[]'),
  (9, 'updating', null, 'UpdatePending', '[]', '[]', '[]'),
  (10, 'archiving', null, 'ArchivePending', '[]', '[]', '[]'),
  (11, 'archived', '2022-02-15 10:00:00+00', 'Archived', '[]', '[]', '[]'),
  (12, 'uncleaned', '2022-01-15 10:00:00+00', 'CleanupFailed', '[]', '[]', '[]'),
  (40, 'odd', null, 'Failure', '[]', '[]', '[]')
) as old (id, name, archived_at, status, app, dep, links);
select setval('deployments_id_seq', 40);

insert into deployment_logs
  (id, deployment_id, action, exit_code, created_at, archived, duration, stdout, stderr, app_overrides, deployment_overrides)
select id, deployment, action, code, at::timestamptz, archived, took::interval, out, err, app::jsonb, '[]'
from (values
  (1, 3, 'create', 0, '2022-01-01 10:00:12.345678+00', false, '12.345678 seconds', E'created\n', '', '[["image.tag", {"tag": "ValueAdded", "contents": "v0"}]]'),
  (2, 3, 'update', 1, '2022-01-02 10:00:00+00', false, '1 minute 0.5 seconds', '', E'no such tag\n', '[]'),
  (4, 3, 'update', 0, '2022-01-03 10:00:00+00', false, '0', '', '', '[]'),
  (7, 11, 'create', 0, '2022-01-01 10:00:00+00', true, '3 seconds', 'a', 'b', '[]'),
  (8, 11, 'archive', 0, '2022-01-04 10:00:00+00', true, '2 hours', 'c', 'd', '[]'),
  (9, 11, 'restore', 0, '2022-01-05 10:00:00+00', true, '00:00:01', 'e', 'f', '[]'),
  (10, 11, 'delete', 137, '2022-01-06 10:00:00+00', true, '00:00:01', 'g', 'h', '[]'),
  (11, 12, 'cleanup', -1, '2022-01-07 10:00:00+00', false, '26 hours', 'i', 'j', '[]'),
  (12, 5, null, 2, '2022-01-08 10:00:00+00', false, '00:00:01', 'k', 'l', '[]'),
  (13, null, 'create', 0, '2022-01-09 10:00:00+00', true, '00:00:01', 'nobody''s', 'm', '[]'),
  (14, 5, 'update', 0, '2022-01-10 10:00:00+00', false, '00:00:01', null, null, '[]')
) as old (id, deployment, action, code, at, archived, took, out, err, app);

-- Output of several chunks, of characters of one to four bytes, and lines that must not be cut differently.
insert into deployment_logs
  (id, deployment_id, action, exit_code, created_at, duration, stdout, stderr, app_overrides, deployment_overrides)
select 20, 6, 'update', 0, '2022-01-11 10:00:00+00', '00:10:00',
  (select string_agg('line ' || n || ' é€😀' || chr(13) || chr(10), '' order by n) from generate_series(1, 30000) n),
  repeat('😀', 40000), '[]', '[]';
select setval('deployment_logs_id_seq', 20);
