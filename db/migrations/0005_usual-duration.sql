-- Up Migration
-- While an action is under way its deployment tells how long one of its kind usually takes: the median of its own last ones that
-- went well. Only of its own: nothing that happens elsewhere may change what a deployment says without a new revision.

create function usual_duration_ms(of_deployment bigint, of_kind text) returns bigint
language sql stable parallel safe as $$
  select round(extract(epoch from percentile_disc(0.5) within group (order by took)) * 1000)::bigint
  from (
    select finished_at - started_at as took
    from (
      select kind, state, started_at, finished_at from actions
      where deployment_id = of_deployment order by id desc limit 50
    ) as recent
    where kind = of_kind and state = 'succeeded' and started_at is not null
    limit 9
  ) as times
$$;

create or replace view full_infos as
select d.id, d.name, d.updated_at, d.revision, d.changed_xid, d.checked_at, d.check_exit_code, d.check_error,
  json_build_object(
    'deployment', json_build_object(
      'name', d.name, 'app_overrides', d.app_overrides, 'deployment_overrides', d.deployment_overrides),
    'status', json_build_object(
      'tag', case when (a.last).state in ('queued', 'running') then 'DeploymentPending' else 'DeploymentNotPending' end,
      'recorded_status', wire_status(d.status)),
    'metadata', d.links,
    'created_at', wire_time(d.created_at),
    'updated_at', wire_time(d.updated_at),
    'revision', d.revision,
    'last_action', case
      when (a.last).state in ('queued', 'running') then (
        wire_action_summary(a.last)::jsonb
        || jsonb_build_object('usual_duration_ms', usual_duration_ms(d.id, (a.last).kind)))::json
      when (a.last).id is not null then wire_action_summary(a.last)
    end) as body
from deployments d
left join lateral (
  select a as last from actions a where a.deployment_id = d.id order by a.id desc limit 1
) as a on true;
