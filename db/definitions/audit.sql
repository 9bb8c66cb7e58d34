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

-- The labels and the title that a deployment is created with, as AuditDetails of domain/audit/operations.ts.
create or replace function describe_new_labels(p_labels jsonb, p_title text) returns jsonb language sql immutable as $$
  select case when p_labels = '{}' then '{}'::jsonb else jsonb_build_object('labels', (
      select jsonb_agg(l.entry) from (
        select jsonb_build_object('key', key, 'before', null, 'after', value) as entry
        from jsonb_each_text(p_labels) order by key limit 20) l)) end
    || case when p_title is null then '{}'::jsonb
      else jsonb_build_object('title', jsonb_build_object('before', null, 'after', p_title)) end
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

-- Removes the oldest month of entries, with its seals, when all of it is older than p_retention. Returns its name; null: nothing to
-- remove, or not now. The entry that it writes continues the chain: it names the last removed seal. With the rights of its owner, as
-- create_audit_partitions.
create or replace function remove_old_audit_entries(p_retention interval) returns text language plpgsql security definer
set search_path from current set lock_timeout = '300ms' as $$
declare
  oldest text;
  until timestamptz;
  removed bigint;
  seals text;
  last audit_seals;
begin
  if p_retention < interval '1 day' then raise exception 'the audit log is kept for a day at least'; end if;
  perform set_config('search_path', current_setting('search_path') || ', pg_temp', true);
  -- Not beside the sealer.
  if not pg_try_advisory_xact_lock(hashtextextended('octopod audit', 0)) then return null; end if;
  select relname into oldest from pg_inherits join pg_class on oid = inhrelid
  where inhparent = 'audit_entries'::regclass and relname <> 'audit_entries_default' order by relname limit 1;
  until := (to_date(right(oldest, 7), 'YYYY_MM') + interval '1 month') at time zone 'utc';
  if oldest is null or until > now() - p_retention then
    -- Entries of months without a partition.
    oldest := 'audit_entries_default';
    select max(at) + interval '1 microsecond' into until from audit_entries_default;
    if until is null or until > now() - p_retention then return null; end if;
  end if;
  if exists (select from audit_unsealed u where u.at < until) then return null; end if;
  -- Of a month by its seals: counting the entries may take longer than a statement may.
  if oldest = 'audit_entries_default' then
    select count(*) into removed from audit_entries_default;
  else
    -- They are the beginning of the chain, with few of the next month between them.
    select coalesce(sum(cardinality(entry_ids)), 0) into removed from audit_seals
    where id < coalesce((select id from audit_seals where last_at >= until order by id limit 1) + 100, 9223372036854775807)
      and last_at >= (until at time zone 'utc' - interval '1 month') at time zone 'utc' and last_at < until;
  end if;

  -- Seals outside of the partitions of their months stay, and then all of them do: what is removed must be the beginning of the chain.
  seals := replace(oldest, 'audit_entries', 'audit_seals');
  if oldest <> 'audit_entries_default' and to_regclass(seals) is not null and not exists (select from audit_seals_default) then
    execute format('select * from %I order by id desc limit 1', seals) into last;
    execute format('drop table %I', seals);
  end if;
  execute format('drop table %I', oldest);
  if oldest = 'audit_entries_default' then
    create table audit_entries_default partition of audit_entries default;
    create trigger refuse_truncate before truncate on audit_entries_default for each statement execute function refuse_audit_change();
  end if;
  perform insert_audit_entry('remove_old_entries', 'accepted', 'octopod', null, null, 'system', null, null, null, null, null, null, null,
    1, json_build_object('partition', oldest, 'until', to_api_time(until), 'entries', removed, 'last_seal', last.id,
      'last_hash', encode(last.hash, 'hex')));
  return oldest;
end
$$;
revoke all on function remove_old_audit_entries(interval) from public;

-- The chain --------------------------------------------------------------------------------------------------------

-- A field with its length, so that no two lists of fields have the same text.
create or replace function audit_field(value text) returns text language sql immutable as $$
  select coalesce(octet_length(convert_to(value, 'UTF8')) || ':' || value, '-') || ','
$$;

-- Of what is stored, in a form that does not depend on the version and the settings of PostgreSQL.
create or replace function hash_audit_entry(e audit_entries) returns bytea language sql immutable as $$
  select sha256(convert_to(audit_field(e.id::text) || audit_field(((extract(epoch from e.at) * 1000000)::bigint)::text)
    || audit_field(e.operation) || audit_field(e.outcome) || audit_field(e.actor) || audit_field(e.issuer) || audit_field(e.subject)
    || audit_field(e.proof) || audit_field(e.claimed_actor) || audit_field(e.source) || audit_field(e.reason) || audit_field(e.address)
    || audit_field(e.request_id) || audit_field(e.deployment) || audit_field(e.action_id::text) || audit_field(e.count::text)
    || audit_field(e.details::text), 'UTF8'))
$$;

-- `found`: which of the entries exist.
create or replace function hash_audit_entries(p_ids bigint[], p_first timestamptz, p_last timestamptz, out found bigint[], out hash bytea)
language sql stable as $$
  select coalesce(array_agg(e.id order by e.id), '{}'), sha256(coalesce(string_agg(hash_audit_entry(e), ''::bytea order by e.id), ''))
  from audit_entries e where e.id = any(p_ids) and e.at between p_first and p_last
$$;

create or replace function hash_audit_seal(s audit_seals) returns bytea language sql immutable as $$
  select sha256(convert_to(audit_field(s.id::text) || audit_field(((extract(epoch from s.sealed_at) * 1000000)::bigint)::text)
    || audit_field(array_to_string(s.entry_ids, ' ')) || audit_field(((extract(epoch from s.first_at) * 1000000)::bigint)::text)
    || audit_field(((extract(epoch from s.last_at) * 1000000)::bigint)::text) || audit_field(encode(s.entries_hash, 'hex'))
    || audit_field(encode(s.previous_hash, 'hex')), 'UTF8'))
$$;

-- The seal before the first one that is stored: the last removed one, or the beginning of the chain.
create or replace function audit_chain_start(out id bigint, out hash bytea) language sql stable as $$
  select coalesce(max(removed.id), 0), decode(coalesce(max(removed.hash), repeat('00', 32)), 'hex')
  from (
    select (details ->> 'last_seal')::bigint as id, details ->> 'last_hash' as hash from audit_entries
    where operation = 'remove_old_entries' and proof = 'system'
      -- Not one that was added by hand in another form: the sealer would fail.
      and details ->> 'last_seal' ~ '^\d{1,15}$' and details ->> 'last_hash' ~ '^[0-9a-f]{64}$'
    order by at desc, audit_entries.id desc limit 1
  ) as removed
$$;

-- Seals up to p_limit committed entries, of one month, so that a month can be removed with its seals. All or nothing: a sealer that
-- is lost leaves the chain as it was. Nulls: nothing to seal, or another sealer is at it.
create or replace function seal_audit_entries(p_limit int, out seal_id bigint, out seal_hash bytea, out entries int)
language plpgsql as $$
declare
  seal audit_seals;
  previous record;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('octopod audit', 0)) then return; end if;
  with oldest as (select entry_id, u.at from audit_unsealed u order by entry_id limit p_limit),
  taken as (
    delete from audit_unsealed u using oldest o
    where u.entry_id = o.entry_id
      and date_trunc('month', o.at at time zone 'utc')
        = (select date_trunc('month', f.at at time zone 'utc') from oldest f order by entry_id limit 1)
    returning u.entry_id, u.at)
  select array_agg(entry_id order by entry_id), min(t.at), max(t.at) into seal.entry_ids, seal.first_at, seal.last_at from taken t;
  if seal.entry_ids is null then return; end if;

  select s.id, s.hash, s.sealed_at into previous from audit_seals s order by s.id desc limit 1;
  if not found then select c.id, c.hash, null::timestamptz as sealed_at into previous from audit_chain_start() c; end if;
  seal.id := previous.id + 1;
  seal.previous_hash := previous.hash;
  -- In the order of the chain, whatever the clock does.
  seal.sealed_at := greatest(clock_timestamp(), previous.sealed_at, seal.last_at);
  select h.hash into seal.entries_hash from hash_audit_entries(seal.entry_ids, seal.first_at, seal.last_at) h;
  seal.hash := hash_audit_seal(seal);
  insert into audit_seals select seal.*;
  seal_id := seal.id;
  seal_hash := seal.hash;
  entries := cardinality(seal.entry_ids);
end
$$;
