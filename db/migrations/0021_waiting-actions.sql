-- An action may wait behind another one of its deployment (states waiting and superseded). wait_conditions: what must hold when it
-- starts, in the shape of enqueue_action. Null: it has started to queue, or it never waited; so a row without it may have run.
alter table actions
  add column wait_conditions jsonb,
  -- When it left the wait. Null: it was queued when it was created.
  add column queued_at timestamptz,
  drop constraint state_known,
  drop constraint ended_has_time,
  add constraint state_known check (state in (
    'waiting', 'queued', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'interrupted', 'superseded')) not valid,
  add constraint ended_has_time check ((state in ('waiting', 'queued', 'running')) = (finished_at is null)) not valid,
  add constraint waiting_has_conditions check (state not in ('waiting', 'superseded') or wait_conditions is not null) not valid;
