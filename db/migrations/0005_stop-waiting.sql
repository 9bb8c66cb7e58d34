-- Who ended the wait for a check. Null: nobody did since the status last changed.
alter table deployment_checks add column stopped_waiting_by text;
