-- What the rig adds to its own database: every change of an action and every chunk of output is written down with the program
-- that made it, and what was deleted. Actions are noted as their transaction commits, still under the lock of their row: the numbers are the order.
create schema fault;
create table fault.writes (
  seq bigserial primary key,
  at timestamptz not null default clock_timestamp(),
  by text not null default current_setting('application_name'),
  what text not null,
  action_id bigint not null,
  deployment_id bigint,
  before jsonb,
  after jsonb,
  epoch int
);

create function fault.facts(a actions) returns jsonb language sql as $$
  select case when a.id is not null then jsonb_build_object('kind', a.kind, 'state', a.state, 'epoch', a.fencing_token, 'attempt', a.attempt,
    'reason', a.reason, 'leaseEnd', extract(epoch from a.lease_expires_at) * 1000) end
$$;

create function fault.note_action() returns trigger language plpgsql as $$
begin
  insert into fault.writes (what, action_id, deployment_id, before, after) values ('row', coalesce(new.id, old.id),
    coalesce(new.deployment_id, old.deployment_id), fault.facts(old), fault.facts(new));
  return null;
end $$;
create constraint trigger note_action after insert or update or delete on actions
  deferrable initially deferred for each row execute function fault.note_action();

create function fault.note_output() returns trigger language plpgsql as $$
begin
  insert into fault.writes (what, action_id, epoch) values ('output', new.action_id, new.fencing_token);
  return null;
end $$;
create trigger note_output after insert on action_output for each row execute function fault.note_output();

create table fault.gone (name text not null, revision bigint not null);
create function fault.note_gone() returns trigger language plpgsql as $$
begin
  insert into fault.gone values (old.name, old.revision);
  return null;
end $$;
create trigger note_gone after delete on deployments for each row execute function fault.note_gone();
