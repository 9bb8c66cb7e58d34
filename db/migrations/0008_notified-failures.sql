-- What failed when the status changed, for the notifications script. Null: nothing did, or an earlier version wrote the row.
alter table status_changes add column failure jsonb;
