-- The last action of a deployment, past any number of actions that never left their wait.
create index concurrently if not exists actions_beside_waiting on actions (deployment_id, id desc) where wait_conditions is null;
