-- A deployment has at most one waiting action.
create unique index concurrently if not exists actions_one_waiting on actions (deployment_id) where state = 'waiting';
