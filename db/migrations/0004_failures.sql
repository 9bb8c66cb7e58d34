-- Why an action or a check failed, in the shape of domain/failures/failure.ts. Null: it did not fail, or an earlier version ended it.
alter table actions add column failure jsonb;
alter table deployment_checks add column failure jsonb;
