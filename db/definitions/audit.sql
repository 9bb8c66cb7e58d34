-- The audit log: writing entries, refusing changes of them, partitions.

-- Writing entries ------------------------------------------------------------------------------------------------

-- Bounds every text, so that no caller makes entries huge. Called in the transaction of the change.
create or replace function insert_audit_entry(
  p_operation text, p_outcome text, p_actor text, p_issuer text, p_subject text, p_proof text, p_claimed_actor text, p_source text,
  p_reason text, p_address text, p_request_id text, p_deployment text, p_action_id bigint, p_count int, p_details json
) returns bigint language plpgsql as $$
declare
  entry_id bigint;
begin
  insert into audit_entries (operation, outcome, actor, issuer, subject, proof, claimed_actor, source, reason, address, request_id,
    deployment, action_id, count, details)
  values (p_operation, p_outcome, left(p_actor, 500), left(p_issuer, 500), left(p_subject, 500), p_proof, left(p_claimed_actor, 500),
    p_source, left(p_reason, 1000), left(p_address, 100), left(p_request_id, 100), left(p_deployment, 100), p_action_id, p_count,
    case when octet_length(p_details::text) > 32768 then '{"is_cut":true}'::json else coalesce(p_details, '{}'::json) end)
  returning id into entry_id;
  return entry_id;
end
$$;

-- The keys that an update changes, without their values: for a request whose server has seen another config than the one it
-- replaces, and for a server of an earlier version.
create or replace function changed_config_keys(p_level text, p_before jsonb, p_after jsonb) returns jsonb language sql immutable as $$
  select coalesce(jsonb_agg(jsonb_build_object('level', p_level, 'key', left(key, 256),
    'before', case when b.value is not null then '{"tag": "masked"}'::jsonb end,
    'after', case when a.value is not null then '{"tag": "masked"}'::jsonb end)), '[]')
  from (select entry ->> 0 as key, min(entry ->> 1) as value from jsonb_path_query(p_before, '$[*]') as entry group by 1) b
  full join (select entry ->> 0 as key, min(entry ->> 1) as value from jsonb_path_query(p_after, '$[*]') as entry group by 1) a
    using (key)
  where key is not null and b.value is distinct from a.value
$$;

-- Every inserted row, also one of other code. The sealer takes the rows of committed transactions.
create or replace function note_unsealed_audit_entry() returns trigger language plpgsql as $$
begin
  insert into audit_unsealed (entry_id, at) values (new.id, new.at);
  return null;
end
$$;
create or replace trigger note_unsealed_audit_entry after insert on audit_entries
  for each row execute function note_unsealed_audit_entry();

-- Append-only ------------------------------------------------------------------------------------------------------

create or replace function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is append-only: % of % is refused', lower(tg_op), tg_table_name using errcode = 'OC003';
end
$$;
create or replace trigger refuse_change before update or delete on audit_entries
  for each row execute function refuse_audit_change();
create or replace trigger refuse_change before update or delete on audit_seals
  for each row execute function refuse_audit_change();
create or replace trigger refuse_truncate before truncate on audit_entries for each statement execute function refuse_audit_change();
create or replace trigger refuse_truncate before truncate on audit_seals for each statement execute function refuse_audit_change();
create or replace trigger refuse_truncate before truncate on audit_entries_default
  for each statement execute function refuse_audit_change();
create or replace trigger refuse_truncate before truncate on audit_seals_default
  for each statement execute function refuse_audit_change();

-- Partitions ---------------------------------------------------------------------------------------------------------

-- Makes the partitions of this month and the next two; returns how many. With the rights of its owner, because the user of servers and
-- runners may be another one. Never waits long: requests that write entries would wait behind it. A month that has rows in the
-- default partition stays there.
create or replace function create_audit_partitions() returns int language plpgsql security definer
set search_path from current set lock_timeout = '300ms' as $$
declare
  parent text;
  month timestamptz;
  name text;
  created int := 0;
  is_taken boolean;
begin
  -- Temporary tables of the caller must not stand in for the tables of this schema.
  perform set_config('search_path', current_setting('search_path') || ', pg_temp', true);
  foreach parent in array array['audit_entries', 'audit_seals'] loop
    for ahead in 0..2 loop
      month := (date_trunc('month', now() at time zone 'utc') + make_interval(months => ahead)) at time zone 'utc';
      name := parent || '_' || to_char(month at time zone 'utc', 'YYYY_MM');
      continue when to_regclass(name) is not null;
      execute format('select exists (select from %I where %I >= $1 and %2$I < $1 + interval ''1 month'')', parent || '_default',
        case parent when 'audit_entries' then 'at' else 'sealed_at' end) into is_taken using month;
      continue when is_taken;
      execute format('create table %I partition of %I for values from (%L) to (%L)', name, parent, month,
        (month at time zone 'utc' + interval '1 month') at time zone 'utc');
      -- Such a trigger of the parent does not hold for its partitions.
      execute format('create trigger refuse_truncate before truncate on %I for each statement execute function refuse_audit_change()',
        name);
      created := created + 1;
    end loop;
  end loop;
  return created;
end
$$;
revoke all on function create_audit_partitions() from public;
select create_audit_partitions();
