-- Up Migration
-- A start can be asked for again by the same hand when its answer was lost, and what is to be cancelled does not start.
create or replace function start_action(p_id bigint, p_epoch int, p_links jsonb) returns json language plpgsql as $$
declare
  target bigint;
begin
  update actions set state = 'running', started_at = now(), undo = null
  where id = p_id and lease_epoch = p_epoch and state = 'queued' and lease_expires_at > now() and cancel_requested_at is null
  returning deployment_id into target;
  if target is not null then
    update deployments set links = coalesce(p_links, links), revision = default where id = target;
  else
    select deployment_id into target from actions
    where id = p_id and lease_epoch = p_epoch and state = 'running' and lease_expires_at > now();
  end if;
  return (select body from full_infos where id = target);
end
$$;
