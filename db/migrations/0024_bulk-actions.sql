-- Actions of a request for many deployments: they are claimed after those of single requests.
alter table actions add column is_bulk boolean not null default false;
