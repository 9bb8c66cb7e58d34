-- The key of the references that stand for secret values. It never leaves the servers; a copy of the database has the values anyway.
alter table installation add column reference_key bytea;
update installation set reference_key = decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');
alter table installation alter column reference_key set not null;
