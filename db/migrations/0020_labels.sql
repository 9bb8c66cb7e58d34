-- Labels and titles of deployments, by which people find and group them.
alter table deployments add column labels jsonb not null default '{}', add column title text;
