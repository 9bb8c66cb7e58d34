-- Triggers of the fault harness in its own database. They record every change of an action and every chunk of output
-- with the program that made it, and every deleted deployment. A change of an action is recorded at commit, while the
-- row is still locked: the numbers are the order of the commits.
create schema fault;
create table fault.writes (
  seq bigserial primary key,
  at timestamptz not null default clock_timestamp(),
  program text not null default current_setting('application_name'),
  type text not null,
  action_id bigint not null,
  deployment_id bigint,
  before jsonb,
  after jsonb,
  fencing_token int
);

create function fault.row_of(a actions) returns jsonb language sql as $$
  select case when a.id is not null then jsonb_build_object('kind', a.kind, 'state', a.state,
    'fencingToken', a.fencing_token, 'attempt', a.attempt, 'reason', a.reason,
    'leaseEnd', extract(epoch from a.lease_expires_at) * 1000) end
$$;

create function fault.record_action() returns trigger language plpgsql as $$
begin
  insert into fault.writes (type, action_id, deployment_id, before, after) values ('row', coalesce(new.id, old.id),
    coalesce(new.deployment_id, old.deployment_id), fault.row_of(old), fault.row_of(new));
  return null;
end $$;
create constraint trigger record_action after insert or update or delete on actions
  deferrable initially deferred for each row execute function fault.record_action();

create function fault.record_output() returns trigger language plpgsql as $$
begin
  insert into fault.writes (type, action_id, fencing_token) values ('output', new.action_id, new.fencing_token);
  return null;
end $$;
create trigger record_output after insert on action_output for each row execute function fault.record_output();

create table fault.deletions (name text not null, revision bigint not null);
create function fault.record_deletion() returns trigger language plpgsql as $$
begin
  insert into fault.deletions values (old.name, old.revision);
  return null;
end $$;
create trigger record_deletion after delete on deployments for each row execute function fault.record_deletion();
