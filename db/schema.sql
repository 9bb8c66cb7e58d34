-- The schema as all migrations and definitions leave it: to be read, never run. Written by `npx node test/helpers/write-schema.ts`, compared by a test.

-- Sequences

create sequence audit_entry_id;
create sequence deployment_revision;

-- Tables

create table access_tokens (
  id bigint not null,
  kind text not null,
  token_hash bytea not null,
  label text not null,
  issuer text not null,
  subject text not null,
  name text not null,
  owner_group text,
  created_by text not null,
  role text not null,
  names jsonb not null,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone not null,
  last_used_at timestamp with time zone,
  last_used_address text,
  revoked_at timestamp with time zone,
  revoked_by text,
  credential text,
  credential_mac bytea,
  claims jsonb
);

create table action_output (
  action_id bigint not null,
  seq integer not null,
  stream text not null,
  text text not null,
  fencing_token integer not null,
  created_at timestamp with time zone not null default now()
);

create table actions (
  id bigint not null default nextval('actions_id_seq'::regclass),
  deployment_id bigint,
  kind text not null,
  exit_code smallint,
  created_at timestamp with time zone not null default now(),
  app_overrides jsonb not null,
  deployment_overrides jsonb not null,
  state text not null,
  attempt integer not null default 1,
  actor text not null,
  source text not null,
  reason text,
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  signal text,
  error text,
  truncated boolean not null default false,
  cancel_requested_at timestamp with time zone,
  cancelled_by text,
  config_checked boolean not null default false,
  runner text,
  fencing_token integer not null default 0,
  lease_expires_at timestamp with time zone,
  previous_deployment jsonb,
  expected_duration_ms bigint,
  writer_token integer,
  failure jsonb,
  actor_issuer text,
  actor_subject text,
  proof text not null default 'claimed'::text,
  claimed_actor text,
  actor_link text,
  wait_conditions jsonb,
  queued_at timestamp with time zone,
  is_bulk boolean not null default false
);

create table audit_entries (
  id bigint not null default nextval('audit_entry_id'::regclass),
  at timestamp with time zone not null default now(),
  operation text not null,
  outcome text not null,
  actor text not null,
  issuer text,
  subject text,
  proof text not null,
  claimed_actor text,
  source text,
  reason text,
  address text,
  request_id text,
  deployment text,
  action_id bigint,
  count integer not null default 1,
  details json not null default '{}'::json
) partition by RANGE (at);

create table audit_output_reads (
  reader text not null,
  action_id bigint not null,
  hour timestamp with time zone not null
);

create table audit_seals (
  id bigint not null,
  sealed_at timestamp with time zone not null,
  entry_ids bigint[] not null,
  first_at timestamp with time zone not null,
  last_at timestamp with time zone not null,
  entries_hash bytea not null,
  previous_hash bytea not null,
  hash bytea not null
) partition by RANGE (sealed_at);

create table audit_unsealed (
  entry_id bigint not null,
  at timestamp with time zone not null
);

create table change_counts (
  shard integer not null,
  changes bigint not null default 0,
  change_id bigint not null default 0
) with (fillfactor=50);

create table deleted_deployments (
  id bigint not null,
  deleted_at timestamp with time zone not null default now(),
  last_action_id bigint not null default 0
);

create table deliveries (
  id bigint not null,
  event_id uuid not null,
  receiver text not null,
  deployment text not null,
  event jsonb not null,
  created_at timestamp with time zone not null default now(),
  attempts integer not null default 0,
  next_attempt_at timestamp with time zone not null default now(),
  runner text,
  held_until timestamp with time zone,
  last_error text,
  failed_at timestamp with time zone
);

create table deployment_checks (
  deployment_id bigint not null,
  next_check_at timestamp with time zone,
  claim bigint not null default 0,
  lease_expires_at timestamp with time zone,
  checked_at timestamp with time zone,
  exit_code smallint,
  error text,
  failure jsonb,
  stopped_waiting_by text,
  config_hash text,
  status_update_timeout interval
) with (fillfactor=50);

create table deployments (
  id bigint not null default nextval('deployments_id_seq'::regclass),
  name text not null,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  archived_at timestamp with time zone,
  status text not null,
  status_updated_at timestamp with time zone not null default now(),
  app_overrides jsonb not null,
  deployment_overrides jsonb not null,
  links jsonb not null,
  revision bigint not null default nextval('deployment_revision'::regclass),
  config_revision bigint not null default 0,
  change_id bigint not null default 0,
  owner_issuer text,
  owner_subject text,
  owner_name text,
  labels jsonb not null default '{}'::jsonb,
  title text
);

create table device_logins (
  id bigint not null,
  device_code_hash bytea not null,
  user_code text not null,
  client_name text not null,
  address text not null,
  address_group text not null,
  state text not null default 'pending'::text,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone not null,
  issuer text,
  subject text,
  name text,
  role text,
  token_lifetime_ms double precision,
  credential text,
  credential_hash bytea,
  token_id bigint
);

create table history_sweeps (
  name text not null,
  place jsonb not null default '{}'::jsonb,
  next_at timestamp with time zone not null default now()
);

create table idempotency_keys (
  key text not null,
  fingerprint text not null,
  action_id bigint,
  created_at timestamp with time zone not null default now()
);

create table installation (
  is_only_row boolean not null default true,
  respects_owners boolean not null,
  policy text,
  reference_key bytea not null
);

create table issuer_keys (
  issuer text not null,
  keys jsonb,
  fetched_at timestamp with time zone,
  attempted_at timestamp with time zone not null,
  problem text
);

create table output_totals (
  shard integer not null,
  bytes bigint not null default 0,
  chunks bigint not null default 0
) with (fillfactor=50);

create table pauses (
  what text not null,
  paused_at timestamp with time zone not null default now(),
  paused_until timestamp with time zone,
  paused_by text not null,
  reason text not null
);

create table people (
  issuer text not null,
  subject text not null,
  name text not null,
  email text,
  last_seen_at timestamp with time zone not null default now(),
  groups jsonb not null default '[]'::jsonb
);

create table refused_keys (
  key text not null,
  refused_at timestamp with time zone not null
);

create table script_failures (
  subject text not null,
  script text not null,
  failed_at timestamp with time zone not null default now(),
  failure jsonb not null
);

create table secret_keys (
  key text not null,
  marked_at timestamp with time zone not null default now()
);

create table sessions (
  id bigint not null,
  token_hash bytea not null,
  proof text not null,
  issuer text,
  subject text,
  name text not null,
  email text,
  groups jsonb not null default '[]'::jsonb,
  credential text,
  credential_mac bytea,
  provider_tokens bytea,
  created_at timestamp with time zone not null default now(),
  last_seen_at timestamp with time zone not null default now(),
  groups_read_at timestamp with time zone not null default now(),
  refresh_claimed_until timestamp with time zone,
  expires_at timestamp with time zone not null,
  address text not null,
  user_agent text not null default ''::text
);

create table status_changes (
  id bigint not null default nextval('status_changes_id_seq'::regclass),
  deployment text not null,
  old_status text not null,
  new_status text not null,
  created_at timestamp with time zone not null default now(),
  failure jsonb,
  event_id uuid not null default gen_random_uuid(),
  action_id bigint
);

create table stored_outputs (
  action_id bigint not null,
  bytes bigint not null default 0,
  chunks bigint not null default 0,
  removed_at timestamp with time zone,
  removal_reason text,
  deleted_to_seq integer not null default 0,
  is_deleted boolean not null default false
) with (fillfactor=80);

create table used_id_tokens (
  hash bytea not null,
  expires_at timestamp with time zone not null
);

-- Constraints

alter table access_tokens add constraint access_tokens_check CHECK (((kind = 'service'::text) = (owner_group IS NOT NULL)));
alter table access_tokens add constraint access_tokens_claims_check CHECK (((kind = 'exchange'::text) = (claims IS NOT NULL)));
alter table access_tokens add constraint access_tokens_credential_check CHECK ((credential = ANY (ARRAY['admin'::text, 'user'::text])));
alter table access_tokens add constraint access_tokens_kind_check CHECK ((kind = ANY (ARRAY['personal'::text, 'service'::text, 'exchange'::text])));
alter table access_tokens add constraint access_tokens_pkey PRIMARY KEY (id);
alter table access_tokens add constraint access_tokens_token_hash_key UNIQUE (token_hash);
alter table action_output add constraint action_output_seq_check CHECK ((seq > 0));
alter table action_output add constraint action_output_stream_check CHECK ((stream = ANY (ARRAY['stdout'::text, 'stderr'::text])));
alter table action_output add constraint action_output_pkey PRIMARY KEY (action_id, seq);
alter table actions add constraint ended_has_time CHECK (((state = ANY (ARRAY['waiting'::text, 'queued'::text, 'running'::text])) = (finished_at IS NULL))) NOT VALID;
alter table actions add constraint kind_known CHECK ((kind = ANY (ARRAY['create'::text, 'update'::text, 'archive'::text, 'restore'::text, 'cleanup'::text])));
alter table actions add constraint running_has_started CHECK (((state <> 'running'::text) OR (started_at IS NOT NULL)));
alter table actions add constraint state_known CHECK ((state = ANY (ARRAY['waiting'::text, 'queued'::text, 'running'::text, 'succeeded'::text, 'failed'::text, 'timed_out'::text, 'cancelled'::text, 'interrupted'::text, 'superseded'::text]))) NOT VALID;
alter table actions add constraint waiting_has_conditions CHECK (((state <> ALL (ARRAY['waiting'::text, 'superseded'::text])) OR (wait_conditions IS NOT NULL))) NOT VALID;
alter table actions add constraint deployment_logs_pkey PRIMARY KEY (id);
alter table audit_entries add constraint audit_entries_outcome_check CHECK ((outcome = ANY (ARRAY['accepted'::text, 'refused'::text])));
alter table audit_entries add constraint audit_entries_pkey PRIMARY KEY (id, at);
alter table audit_output_reads add constraint audit_output_reads_pkey PRIMARY KEY (reader, action_id, hour);
alter table audit_seals add constraint audit_seals_pkey PRIMARY KEY (id, sealed_at);
alter table audit_unsealed add constraint audit_unsealed_pkey PRIMARY KEY (entry_id);
alter table change_counts add constraint change_counts_pkey PRIMARY KEY (shard);
alter table deleted_deployments add constraint deleted_deployments_pkey PRIMARY KEY (id);
alter table deliveries add constraint deliveries_pkey PRIMARY KEY (id);
alter table deployment_checks add constraint deployment_checks_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES deployments(id) ON DELETE CASCADE;
alter table deployments add constraint status_known CHECK ((status = ANY (ARRAY['Running'::text, 'GenericFailure'::text, 'PartialAvailability'::text, 'TagMismatch'::text, 'CreatePending'::text, 'UpdatePending'::text, 'ArchivePending'::text, 'Archived'::text, 'CleanupFailed'::text])));
alter table deployments add constraint deployments_pkey PRIMARY KEY (id);
alter table deployments add constraint deployments_name_key UNIQUE (name);
alter table device_logins add constraint device_logins_credential_check CHECK ((credential = ANY (ARRAY['admin'::text, 'user'::text])));
alter table device_logins add constraint device_logins_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'approved'::text, 'denied'::text, 'redeemed'::text])));
alter table device_logins add constraint device_logins_pkey PRIMARY KEY (id);
alter table device_logins add constraint device_logins_device_code_hash_key UNIQUE (device_code_hash);
alter table device_logins add constraint device_logins_user_code_key UNIQUE (user_code);
alter table history_sweeps add constraint history_sweeps_pkey PRIMARY KEY (name);
alter table idempotency_keys add constraint idempotency_keys_pkey PRIMARY KEY (key);
alter table installation add constraint installation_is_only_row_check CHECK (is_only_row);
alter table installation add constraint installation_pkey PRIMARY KEY (is_only_row);
alter table issuer_keys add constraint issuer_keys_pkey PRIMARY KEY (issuer);
alter table output_totals add constraint output_totals_pkey PRIMARY KEY (shard);
alter table pauses add constraint pause_known CHECK ((what = ANY (ARRAY['checks'::text, 'retention'::text, 'notifications'::text])));
alter table pauses add constraint pauses_pkey PRIMARY KEY (what);
alter table people add constraint people_pkey PRIMARY KEY (issuer, subject);
alter table refused_keys add constraint refused_keys_pkey PRIMARY KEY (key);
alter table script_failures add constraint script_failures_pkey PRIMARY KEY (subject, script);
alter table secret_keys add constraint secret_keys_pkey PRIMARY KEY (key);
alter table sessions add constraint sessions_credential_check CHECK ((credential = ANY (ARRAY['admin'::text, 'user'::text])));
alter table sessions add constraint sessions_proof_check CHECK ((proof = ANY (ARRAY['oidc'::text, 'shared'::text])));
alter table sessions add constraint sessions_pkey PRIMARY KEY (id);
alter table sessions add constraint sessions_token_hash_key UNIQUE (token_hash);
alter table status_changes add constraint status_changes_pkey PRIMARY KEY (id);
alter table stored_outputs add constraint stored_outputs_pkey PRIMARY KEY (action_id);
alter table used_id_tokens add constraint used_id_tokens_pkey PRIMARY KEY (hash);

-- Indexes

CREATE INDEX access_tokens_of_jobs ON access_tokens USING btree (expires_at) WHERE (kind = 'exchange'::text);
CREATE INDEX access_tokens_of_person ON access_tokens USING btree (issuer, subject);
CREATE INDEX actions_beside_waiting ON actions USING btree (deployment_id, id DESC) WHERE (wait_conditions IS NULL);
CREATE INDEX actions_of_deployment ON actions USING btree (deployment_id, id DESC);
CREATE UNIQUE INDEX actions_one_active ON actions USING btree (deployment_id) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text]));
CREATE UNIQUE INDEX actions_one_waiting ON actions USING btree (deployment_id) WHERE (state = 'waiting'::text);
CREATE INDEX actions_succeeded_by_kind ON actions USING btree (kind, id DESC) WHERE (state = 'succeeded'::text);
CREATE INDEX audit_entries_by_time ON ONLY public.audit_entries USING btree (at, id);
CREATE INDEX audit_entries_of_actor ON ONLY public.audit_entries USING btree (actor, at, id);
CREATE INDEX audit_entries_of_claimed_actor ON ONLY public.audit_entries USING btree (claimed_actor, at, id) WHERE (claimed_actor IS NOT NULL);
CREATE INDEX audit_entries_of_deployment ON ONLY public.audit_entries USING btree (deployment, at, id) WHERE (deployment IS NOT NULL);
CREATE INDEX audit_entries_of_operation ON ONLY public.audit_entries USING btree (operation, at, id);
CREATE INDEX audit_entries_of_refusals ON ONLY public.audit_entries USING btree (at, id) WHERE (outcome = 'refused'::text);
CREATE INDEX audit_entries_of_subject ON ONLY public.audit_entries USING btree (subject, at, id) WHERE (subject IS NOT NULL);
CREATE INDEX audit_output_reads_by_hour ON audit_output_reads USING btree (hour);
CREATE INDEX audit_seals_by_hash ON ONLY public.audit_seals USING btree (hash);
CREATE INDEX deliveries_by_age ON deliveries USING btree (created_at);
CREATE INDEX deliveries_by_receiver ON deliveries USING btree (receiver, id) WHERE (failed_at IS NULL);
CREATE INDEX deliveries_failed ON deliveries USING btree (failed_at) WHERE (failed_at IS NOT NULL);
CREATE INDEX deliveries_in_order ON deliveries USING btree (receiver, deployment, id) WHERE (failed_at IS NULL);
CREATE INDEX deployment_checks_by_time ON deployment_checks USING btree (next_check_at, deployment_id) WHERE (next_check_at IS NOT NULL);
CREATE INDEX deployment_checks_of_deployment ON deployment_checks USING btree (deployment_id);
CREATE INDEX deployments_by_archived_at ON deployments USING btree (archived_at) WHERE (status = 'Archived'::text);
CREATE INDEX deployments_by_shard ON deployments USING btree (((id % (64)::bigint)));
CREATE INDEX device_logins_by_expiry ON device_logins USING btree (expires_at);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys USING btree (created_at);
CREATE INDEX people_by_email ON people USING btree (lower(email));
CREATE INDEX people_by_name ON people USING btree (lower(name));
CREATE INDEX people_by_subject ON people USING btree (lower(subject));
CREATE INDEX refused_keys_by_age ON refused_keys USING btree (refused_at);
CREATE INDEX sessions_by_expiry ON sessions USING btree (expires_at);
CREATE INDEX sessions_of_person ON sessions USING btree (issuer, subject);
CREATE INDEX stored_outputs_present ON stored_outputs USING btree (action_id) WHERE (removed_at IS NULL);
CREATE INDEX stored_outputs_to_delete ON stored_outputs USING btree (action_id) WHERE ((removed_at IS NOT NULL) AND (NOT is_deleted));

-- Functions

CREATE OR REPLACE FUNCTION apply_queued_action(p_deployment_id bigint, p_kind text, p_running_status text, p_app_overrides jsonb, p_deployment_overrides jsonb)
 RETURNS deployments
 LANGUAGE sql
AS $function$
  update deployments d
  set status = coalesce(p_running_status, d.status), status_updated_at = now(), updated_at = now(), revision = default,
    app_overrides = coalesce(p_app_overrides, d.app_overrides),
    deployment_overrides = coalesce(p_deployment_overrides, d.deployment_overrides),
    archived_at = case when p_kind = 'cleanup' then d.archived_at end
  where d.id = p_deployment_id
  returning *
$function$;

CREATE OR REPLACE FUNCTION audit_chain_start(OUT id bigint, OUT hash bytea)
 RETURNS record
 LANGUAGE sql
 STABLE
AS $function$
  select coalesce(max(removed.id), 0), decode(coalesce(max(removed.hash), repeat('00', 32)), 'hex')
  from (
    select (details ->> 'last_seal')::bigint as id, details ->> 'last_hash' as hash from audit_entries
    where operation = 'remove_old_entries' and proof = 'system'
      -- Not one that was added by hand in another form: the sealer would fail.
      and details ->> 'last_seal' ~ '^\d{1,15}$' and details ->> 'last_hash' ~ '^[0-9a-f]{64}$'
    order by at desc, audit_entries.id desc limit 1
  ) as removed
$function$;

CREATE OR REPLACE FUNCTION audit_field(value text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select coalesce(octet_length(convert_to(value, 'UTF8')) || ':' || value, '-') || ','
$function$;

CREATE OR REPLACE FUNCTION changed_config_keys(p_level text, p_before jsonb, p_after jsonb)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select coalesce(jsonb_agg(jsonb_build_object('level', p_level, 'key', left(key, 256),
    'before', case when b.value is not null then '{"tag": "masked"}'::jsonb end,
    'after', case when a.value is not null then '{"tag": "masked"}'::jsonb end)), '[]')
  from (select entry ->> 0 as key, min(entry ->> 1) as value from jsonb_path_query(p_before, '$[*]') as entry group by 1) b
  full join (select entry ->> 0 as key, min(entry ->> 1) as value from jsonb_path_query(p_after, '$[*]') as entry group by 1) a
    using (key)
  where key is not null and b.value is distinct from a.value
$function$;

CREATE OR REPLACE FUNCTION count_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if tg_op = 'UPDATE' then
    perform from deployments where id = new.id and revision = new.revision;
    if not found then return null; end if;
  end if;
  update change_counts
  set changes = changes + 1, change_id = random_change_id()
  where shard = coalesce(new.id, old.id) % 64;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION count_output()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  more_bytes bigint := coalesce(case when new.removed_at is null then new.bytes end, 0)
    - coalesce(case when old.removed_at is null then old.bytes end, 0);
  more_chunks bigint := coalesce(case when new.removed_at is null then new.chunks end, 0)
    - coalesce(case when old.removed_at is null then old.chunks end, 0);
begin
  if more_bytes <> 0 or more_chunks <> 0 then
    update output_totals set bytes = bytes + more_bytes, chunks = chunks + more_chunks
    where shard = coalesce(new.action_id, old.action_id) % 64;
  end if;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION create_audit_partitions()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO '$user', 'public'
 SET lock_timeout TO '300ms'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION describe_new_labels(p_labels jsonb, p_title text)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select case when p_labels = '{}' then '{}'::jsonb else jsonb_build_object('labels', (
      select jsonb_agg(l.entry) from (
        select jsonb_build_object('key', key, 'before', null, 'after', value) as entry
        from jsonb_each_text(p_labels) order by key limit 20) l)) end
    || case when p_title is null then '{}'::jsonb
      else jsonb_build_object('title', jsonb_build_object('before', null, 'after', p_title)) end
$function$;

CREATE OR REPLACE FUNCTION enforce_fencing_token()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  -- No runner holds a waiting action.
  if old.state = 'waiting' then
    if new.state not in ('waiting', 'queued', 'superseded', 'cancelled') or new.lease_expires_at is not null then
      raise exception 'action % waits and cannot become %', old.id, new.state using errcode = 'OC001';
    end if;
    new.writer_token := null;
    return new;
  end if;
  if old.state not in ('queued', 'running') and new is distinct from old then
    raise exception 'action % has ended as %', old.id, old.state using errcode = 'OC001';
  end if;
  if new.fencing_token < old.fencing_token then
    raise exception 'action %: stale fencing token %', old.id, new.fencing_token using errcode = 'OC001';
  end if;
  if new.fencing_token > old.fencing_token and old.lease_expires_at > now() then
    raise exception 'action %: the lease has not expired', old.id using errcode = 'OC001';
  end if;
  if new.state in ('waiting', 'superseded') then
    raise exception 'action % is % and cannot become %', old.id, old.state, new.state using errcode = 'OC001';
  end if;
  if old.state = 'running' and new.state = 'queued' then
    raise exception 'action % has started and cannot be queued again', old.id using errcode = 'OC001';
  end if;
  if new.fencing_token = old.fencing_token and new.writer_token is distinct from old.fencing_token
    and (new.state, new.lease_expires_at, new.started_at) is distinct from (old.state, old.lease_expires_at, old.started_at)
    -- A cancel may end a queued action that no runner holds.
    and not (new.state = 'cancelled' and old.state = 'queued' and (old.lease_expires_at is null or old.lease_expires_at <= now()))
  then
    raise exception 'action %: the fencing token is %, the writer has %', old.id, old.fencing_token,
      coalesce(new.writer_token::text, 'none') using errcode = 'OC001';
  end if;
  new.writer_token := null;
  return new;
end
$function$;

CREATE OR REPLACE FUNCTION enforce_output_fencing_token()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform from actions where id in (select action_id from new_rows) order by id for share;
  if exists (
    select from new_rows n left join actions a on a.id = n.action_id
    where a.fencing_token is distinct from n.fencing_token or a.state not in ('queued', 'running')
  ) then
    raise exception 'output with a stale fencing token' using errcode = 'OC001';
  end if;
  insert into stored_outputs as stored (action_id, bytes, chunks)
  select action_id, sum(octet_length(text)), count(*) from new_rows group by action_id
  on conflict (action_id) do update
  set bytes = stored.bytes + excluded.bytes, chunks = stored.chunks + excluded.chunks;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION enqueue_action(p_name text, p_kind text, p_allowed_statuses text[], p_running_status text, p_app_overrides jsonb, p_deployment_overrides jsonb, p_actor text, p_source text, p_reason text, p_config_checked boolean, p_key text, p_fingerprint text, p_revision bigint, p_issuer text DEFAULT NULL::text, p_subject text DEFAULT NULL::text, p_proof text DEFAULT 'claimed'::text, p_claimed_actor text DEFAULT NULL::text, p_scope text DEFAULT 'all'::text, p_address text DEFAULT NULL::text, p_request_id text DEFAULT NULL::text, p_changes jsonb DEFAULT NULL::jsonb, p_changes_revision bigint DEFAULT NULL::bigint, p_actor_link text DEFAULT NULL::text, p_labels jsonb DEFAULT NULL::jsonb, p_title text DEFAULT NULL::text, p_waiting_statuses text[] DEFAULT '{}'::text[], p_is_bulk boolean DEFAULT false, OUT outcome text, OUT status text, OUT action_id bigint, OUT body json)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
declare
  target deployments;
  before deployments;
  active_action_id bigint;
  waits boolean := false;
  superseded bigint;
  details jsonb;
begin
  if p_key is not null then
    -- A concurrent request with the same key waits here until the first one has committed or failed.
    insert into idempotency_keys (key, fingerprint) values (p_key, p_fingerprint) on conflict do nothing;
    if not found then
      select case when k.fingerprint = p_fingerprint then 'replayed' else 'idempotency_key_reused' end, k.action_id
      into outcome, action_id from idempotency_keys k where k.key = p_key;
      return;
    end if;
  end if;

  if p_kind = 'create' then
    insert into deployments (name, status, app_overrides, deployment_overrides, links, labels, title, owner_issuer, owner_subject,
      owner_name)
    values (p_name, p_running_status, coalesce(p_app_overrides, '[]'), coalesce(p_deployment_overrides, '[]'), '[]',
      coalesce(p_labels, '{}'), p_title,
      -- A CI job owns nothing, so that every developer may change what it has created.
      case when p_proof <> 'exchange' then p_issuer end, case when p_proof <> 'exchange' then p_subject end,
      case when p_proof <> 'exchange' and p_subject is not null then p_actor end)
    on conflict (name) do nothing
    returning * into target;
    if target.id is null then outcome := 'name_taken'; end if;
  else
    select * into target from deployments d where d.name = p_name for update;
    status := target.status;
    select a.id into active_action_id from actions a where a.deployment_id = target.id and a.state in ('queued', 'running');
    if target.id is null then
      outcome := 'no_such_deployment';
    elsif not is_owner_in_scope(target, p_scope, p_issuer, p_subject) then
      outcome := 'not_owner';
    elsif target.status = any (p_waiting_statuses) then
      waits := true;
    -- Behind an action after which it could not start either, it does not wait.
    elsif active_action_id is not null and (p_waiting_statuses = '{}' or target.status = any (p_allowed_statuses)) then
      outcome := 'busy';
    elsif target.status <> all (p_allowed_statuses) then
      outcome := 'invalid_transition';
    end if;
    if outcome is null and target.config_revision > p_revision then outcome := 'precondition_failed'; end if;
  end if;
  if outcome is not null then
    delete from idempotency_keys k where k.key = p_key;
    return;
  end if;

  action_id := nextval('actions_id_seq');
  if p_kind <> 'create' then
    before := target;
    superseded := supersede_waiting_action(target, action_id, p_actor, p_issuer, p_subject, p_proof, p_claimed_actor, p_source, p_reason,
      p_address, p_request_id);
    if waits then
      update deployments d set revision = default where d.id = target.id;
    else
      target := apply_queued_action(target.id, p_kind, p_running_status, p_app_overrides, p_deployment_overrides);
    end if;
  end if;

  insert into actions (id, deployment_id, kind, state, app_overrides, deployment_overrides, actor, source, reason, config_checked,
    previous_deployment, expected_duration_ms, actor_issuer, actor_subject, proof, claimed_actor, actor_link, is_bulk,
    wait_conditions)
  values (action_id, target.id, p_kind, case when waits then 'waiting' else 'queued' end,
    coalesce(p_app_overrides, target.app_overrides), coalesce(p_deployment_overrides, target.deployment_overrides), p_actor, p_source,
    p_reason, p_config_checked, case when not waits and p_kind <> 'create' then state_before_action(before, p_kind) end,
    expected_duration_ms(target.id, p_kind), p_issuer, p_subject, p_proof, p_claimed_actor, p_actor_link, p_is_bulk,
    case when waits then jsonb_build_object('scope', p_scope, 'allowed_statuses', p_allowed_statuses,
      'waiting_statuses', p_waiting_statuses, 'running_status', p_running_status, 'sets_config', p_app_overrides is not null) end);
  update idempotency_keys k set action_id = enqueue_action.action_id where k.key = p_key;
  details := jsonb_build_object('status', jsonb_build_object('before', before.status, 'after', target.status));
  if waits then
    details := details || jsonb_build_object('waits', true, 'waits_behind_action_id', active_action_id);
  end if;
  if superseded is not null then details := details || jsonb_build_object('superseded_action_id', superseded); end if;
  if p_kind in ('create', 'update') then
    details := details || case
      when p_changes is not null and coalesce(before.config_revision, 0) = p_changes_revision then p_changes
      else jsonb_build_object('changes', jsonb_path_query_array(
        changed_config_keys('application', coalesce(before.app_overrides, '[]'), coalesce(p_app_overrides, target.app_overrides))
          || changed_config_keys('deployment', coalesce(before.deployment_overrides, '[]'),
            coalesce(p_deployment_overrides, target.deployment_overrides)), '$[0 to 49]'))
    end;
  end if;
  if p_kind = 'create' then details := details || coalesce(describe_new_labels(target.labels, target.title), '{}'); end if;
  perform insert_audit_entry(p_kind, 'accepted', p_actor, p_issuer, p_subject, p_proof, p_claimed_actor, p_source, p_reason, p_address,
    p_request_id, target.name, action_id, 1, details::json);
  outcome := 'enqueued';
  select f.body into body from deployment_details f where f.id = target.id;
end
$function$;

CREATE OR REPLACE FUNCTION expected_duration_ms(p_deployment_id bigint, p_kind text)
 RETURNS bigint
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select round(extract(epoch from coalesce(
    (select percentile_disc(0.5) within group (order by finished_at - started_at) from (
      select * from (
        select kind, state, started_at, finished_at from actions
        where deployment_id = p_deployment_id and wait_conditions is null order by id desc limit 50
      ) as recent
      where kind = p_kind and state = 'succeeded' and started_at is not null
      limit 9
    ) as of_deployment),
    (select percentile_disc(0.5) within group (order by finished_at - started_at) from (
      select started_at, finished_at from actions
      where kind = p_kind and state = 'succeeded' and started_at is not null
      order by id desc limit 9
    ) as of_all)
  )) * 1000)::bigint
$function$;

CREATE OR REPLACE FUNCTION finish_action(p_id bigint, p_fencing_token integer, p_state text, p_exit_code integer, p_signal text, p_error text, p_truncated boolean, p_status text, p_failure jsonb DEFAULT NULL::jsonb)
 RETURNS json
 LANGUAGE plpgsql
AS $function$
declare
  target bigint;
  previous jsonb;
begin
  update actions
  set state = p_state, finished_at = now(), lease_expires_at = null, exit_code = p_exit_code, signal = p_signal,
    error = p_error, failure = p_failure, truncated = p_truncated, writer_token = p_fencing_token
  where id = p_id and fencing_token = p_fencing_token and state in ('queued', 'running')
  returning deployment_id, previous_deployment into target, previous;
  if target is null then return null; end if;
  return finish_deployment(target, p_status, case when p_state <> 'succeeded' then previous end);
end
$function$;

CREATE OR REPLACE FUNCTION finish_deployment(p_id bigint, p_status text, p_previous jsonb)
 RETURNS json
 LANGUAGE plpgsql
AS $function$
begin
  update deployments
  set status_updated_at = now(), updated_at = now(), revision = default,
    status = coalesce(p_previous ->> 'status', p_status),
    app_overrides = coalesce(p_previous -> 'app_overrides', app_overrides),
    deployment_overrides = coalesce(p_previous -> 'deployment_overrides', deployment_overrides),
    archived_at = case when p_previous is null then archived_at else (p_previous ->> 'archived_at')::timestamptz end
  where id = p_id;
  return (select body from deployment_details where id = p_id);
end
$function$;

CREATE OR REPLACE FUNCTION hash_audit_entries(p_ids bigint[], p_first timestamp with time zone, p_last timestamp with time zone, OUT found bigint[], OUT hash bytea)
 RETURNS record
 LANGUAGE sql
 STABLE
AS $function$
  select coalesce(array_agg(e.id order by e.id), '{}'), sha256(coalesce(string_agg(hash_audit_entry(e), ''::bytea order by e.id), ''))
  from audit_entries e where e.id = any(p_ids) and e.at between p_first and p_last
$function$;

CREATE OR REPLACE FUNCTION hash_audit_entry(e audit_entries)
 RETURNS bytea
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select sha256(convert_to(audit_field(e.id::text) || audit_field(((extract(epoch from e.at) * 1000000)::bigint)::text)
    || audit_field(e.operation) || audit_field(e.outcome) || audit_field(e.actor) || audit_field(e.issuer) || audit_field(e.subject)
    || audit_field(e.proof) || audit_field(e.claimed_actor) || audit_field(e.source) || audit_field(e.reason) || audit_field(e.address)
    || audit_field(e.request_id) || audit_field(e.deployment) || audit_field(e.action_id::text) || audit_field(e.count::text)
    || audit_field(e.details::text), 'UTF8'))
$function$;

CREATE OR REPLACE FUNCTION hash_audit_seal(s audit_seals)
 RETURNS bytea
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select sha256(convert_to(audit_field(s.id::text) || audit_field(((extract(epoch from s.sealed_at) * 1000000)::bigint)::text)
    || audit_field(array_to_string(s.entry_ids, ' ')) || audit_field(((extract(epoch from s.first_at) * 1000000)::bigint)::text)
    || audit_field(((extract(epoch from s.last_at) * 1000000)::bigint)::text) || audit_field(encode(s.entries_hash, 'hex'))
    || audit_field(encode(s.previous_hash, 'hex')), 'UTF8'))
$function$;

CREATE OR REPLACE FUNCTION insert_audit_entry(p_operation text, p_outcome text, p_actor text, p_issuer text, p_subject text, p_proof text, p_claimed_actor text, p_source text, p_reason text, p_address text, p_request_id text, p_deployment text, p_action_id bigint, p_count integer, p_details json)
 RETURNS bigint
 LANGUAGE plpgsql
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION is_owner_in_scope(d deployments, p_scope text, p_issuer text, p_subject text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case
    when p_scope = 'all' then true
    when d.owner_subject is null then p_scope = 'own_or_unowned'
    else p_scope in ('own', 'own_or_unowned') and coalesce((d.owner_issuer, d.owner_subject) = (p_issuer, p_subject), false)
  end
$function$;

CREATE OR REPLACE FUNCTION log_status_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  last actions;
  explanation jsonb;
begin
  -- The one after it may have waited for its end.
  select * into last from (
    select * from actions where deployment_id = new.id and wait_conditions is null order by id desc limit 2) as recent
  where finished_at = now() limit 1;
  if last.id is not null then
    explanation := to_api_action_failure(last, true) || jsonb_build_object('exit_code', last.exit_code);
  end if;
  if explanation is null then
    select to_api_check_failure(c, false, true) || jsonb_build_object('exit_code', c.exit_code) into explanation
    from deployment_checks c where c.deployment_id = new.id;
  end if;
  insert into status_changes (deployment, old_status, new_status, failure, action_id)
  values (new.name, old.status, new.status, explanation,
    coalesce(last.id, (select max(id) from actions where deployment_id = new.id and wait_conditions is null)));
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION note_deleted_actions()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  insert into stored_outputs (action_id, removed_at) select id, now() from old_rows
  on conflict (action_id) do update set removed_at = coalesce(stored_outputs.removed_at, now()), is_deleted = false;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION note_deleted_deployment()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  message text := 'It did not start: its deployment was deleted.';
  waiting_id bigint;
begin
  if exists (select from actions where deployment_id = old.id and state in ('queued', 'running')) then
    raise exception 'an action of deployment % has not ended', old.id using errcode = 'OC001';
  end if;
  update actions set state = 'cancelled', finished_at = now(), error = message
  where deployment_id = old.id and state = 'waiting'
  returning id into waiting_id;
  if waiting_id is not null then
    perform insert_audit_entry('end_waiting', 'accepted', 'octopod', null, null, 'system', null, null, null, null, null, old.name,
      waiting_id, 1, json_build_object('message', message));
  end if;
  insert into deleted_deployments (id) values (old.id);
  delete from script_failures where subject = 'deployment ' || old.id;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION note_unsealed_audit_entry()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  insert into audit_unsealed (entry_id, at) values (new.id, new.at);
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION plan_check()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  next_check timestamptz := case when new.status not in ('Archived', 'CleanupFailed') then now() end;
begin
  if tg_op = 'INSERT' then
    insert into deployment_checks (deployment_id, next_check_at) values (new.id, next_check);
  else
    update deployment_checks set next_check_at = next_check, stopped_waiting_by = null where deployment_id = new.id;
  end if;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION prevent_active_action_delete()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if old.state in ('queued', 'running') then
    raise exception 'action % has not ended', old.id using errcode = 'OC001';
  end if;
  return old;
end
$function$;

CREATE OR REPLACE FUNCTION random_change_id()
 RETURNS bigint
 LANGUAGE sql
AS $function$
  select floor(random() * 9007199254740991)::bigint
$function$;

CREATE OR REPLACE FUNCTION refuse_audit_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'the audit log is append-only: % of % is refused', lower(tg_op), tg_table_name using errcode = 'OC003';
end
$function$;

CREATE OR REPLACE FUNCTION refuse_earlier_requests(p_key text, OUT fingerprint text, OUT action_id bigint)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
begin
  -- A concurrent request with the same key waits at the same row. It acts before this one looks, or it sees the refusal.
  insert into idempotency_keys (key, fingerprint) values (p_key, '') on conflict do nothing;
  if not found then
    select k.fingerprint, k.action_id into fingerprint, action_id from idempotency_keys k where k.key = p_key;
    return;
  end if;
  insert into refused_keys as r (key, refused_at) values (p_key, clock_timestamp())
  on conflict (key) do update set refused_at = greatest(r.refused_at, excluded.refused_at);
  delete from idempotency_keys k where k.key = p_key;
end
$function$;

CREATE OR REPLACE FUNCTION remove_old_audit_entries(p_retention interval)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO '$user', 'public'
 SET lock_timeout TO '300ms'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION require_deployment()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform from deployments where id = new.deployment_id for key share;
  if not found then
    raise exception 'there is no deployment %', new.deployment_id using errcode = 'foreign_key_violation';
  end if;
  return new;
end
$function$;

CREATE OR REPLACE FUNCTION require_request_in_time(p_key text, p_arrived_at timestamp with time zone, p_not_after timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
begin
  if clock_timestamp() > p_not_after then
    raise exception 'the request came too late: its time was over at %', p_not_after using errcode = 'OC002';
  end if;
  if exists (select from refused_keys r where r.key = p_key and r.refused_at >= p_arrived_at) then
    raise exception 'the request came too late: a later one with its key was refused' using errcode = 'OC002';
  end if;
  return true;
end
$function$;

CREATE OR REPLACE FUNCTION seal_audit_entries(p_limit integer, OUT seal_id bigint, OUT seal_hash bytea, OUT entries integer)
 RETURNS record
 LANGUAGE plpgsql
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION set_revision()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if tg_op = 'INSERT' then
    new.config_revision := new.revision;
    new.change_id := random_change_id();
    return new;
  end if;
  if new.revision <= old.revision and (
    new.status, new.links, new.app_overrides, new.deployment_overrides, new.updated_at, new.archived_at, new.name,
    new.labels, new.title
  ) is distinct from (
    old.status, old.links, old.app_overrides, old.deployment_overrides, old.updated_at, old.archived_at, old.name,
    old.labels, old.title
  ) then
    new.revision := nextval('deployment_revision');
  end if;
  if new.revision <> old.revision then
    new.change_id := random_change_id();
    if (new.app_overrides, new.deployment_overrides) is distinct from (old.app_overrides, old.deployment_overrides) then
      new.config_revision := new.revision;
    end if;
  end if;
  return new;
end
$function$;

CREATE OR REPLACE FUNCTION start_action(p_id bigint, p_fencing_token integer, p_links jsonb)
 RETURNS json
 LANGUAGE plpgsql
AS $function$
declare
  target bigint;
begin
  update actions set state = 'running', started_at = now(), previous_deployment = null, writer_token = p_fencing_token
  where id = p_id and fencing_token = p_fencing_token and state = 'queued' and lease_expires_at > now()
    and cancel_requested_at is null
  returning deployment_id into target;
  if target is not null then
    update deployments set links = coalesce(p_links, links), revision = default where id = target;
    if p_links is not null then
      delete from script_failures where subject = 'deployment ' || target and script = 'info';
    end if;
  else
    select deployment_id into target from actions
    where id = p_id and fencing_token = p_fencing_token and state = 'running' and lease_expires_at > now();
  end if;
  return (select body from deployment_details where id = target);
end
$function$;

CREATE OR REPLACE FUNCTION start_waiting_action(p_deployment_id bigint)
 RETURNS bigint
 LANGUAGE plpgsql
AS $function$
declare
  target deployments;
  waiting actions;
  conditions jsonb;
  sets_config boolean;
  refusal text;
begin
  -- Without a lock first, because hardly any deployment has one.
  perform from actions a where a.deployment_id = p_deployment_id and a.state = 'waiting';
  if not found then return null; end if;
  select * into target from deployments d where d.id = p_deployment_id for update;
  perform from actions a where a.deployment_id = p_deployment_id and a.state in ('queued', 'running');
  if found then return null; end if;
  select * into waiting from actions a where a.deployment_id = p_deployment_id and a.state = 'waiting';
  if target.id is null or waiting.id is null then return null; end if;
  conditions := waiting.wait_conditions;
  if conditions -> 'allowed_statuses' ? target.status then
    if not is_owner_in_scope(target, conditions ->> 'scope', waiting.actor_issuer, waiting.actor_subject) then
      refusal := format('It did not start: %s has another owner now.', target.name);
    end if;
  elsif conditions -> 'waiting_statuses' ? target.status then
    return null;
  else
    refusal := format('It did not start: %s is %s now.', target.name, target.status);
  end if;

  if refusal is not null then
    update actions set state = 'cancelled', finished_at = now(), error = refusal where id = waiting.id;
    perform insert_audit_entry('end_waiting', 'accepted', 'octopod', null, null, 'system', null, null, null, null, null,
      target.name, waiting.id, 1, json_build_object('message', refusal));
    return waiting.id;
  end if;

  sets_config := (conditions ->> 'sets_config')::boolean;
  update actions
  set state = 'queued', queued_at = now(), wait_conditions = null, previous_deployment = state_before_action(target, waiting.kind),
    expected_duration_ms = expected_duration_ms(target.id, waiting.kind),
    -- The config that was checked when it was accepted.
    config_checked = config_checked and (sets_config
      or (app_overrides, deployment_overrides) is not distinct from (target.app_overrides, target.deployment_overrides)),
    app_overrides = case when sets_config then app_overrides else target.app_overrides end,
    deployment_overrides = case when sets_config then deployment_overrides else target.deployment_overrides end
  where id = waiting.id
  returning * into waiting;
  perform insert_audit_entry('start_waiting', 'accepted', 'octopod', null, null, 'system', null, null, null, null, null, target.name,
    waiting.id, 1, json_build_object('status', json_build_object('before', target.status,
      'after', coalesce(conditions ->> 'running_status', target.status))));
  perform apply_queued_action(target.id, waiting.kind, conditions ->> 'running_status', waiting.app_overrides,
    waiting.deployment_overrides);
  return waiting.id;
end
$function$;

CREATE OR REPLACE FUNCTION start_waiting_action_of_row()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform start_waiting_action(new.id);
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION state_before_action(d deployments, p_kind text)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case when p_kind <> 'cleanup' then jsonb_build_object('status', d.status, 'archived_at', d.archived_at,
    'app_overrides', d.app_overrides, 'deployment_overrides', d.deployment_overrides) end
$function$;

CREATE OR REPLACE FUNCTION supersede_waiting_action(d deployments, p_newer_action_id bigint, p_actor text, p_issuer text, p_subject text, p_proof text, p_claimed_actor text, p_source text, p_reason text, p_address text, p_request_id text)
 RETURNS bigint
 LANGUAGE plpgsql
AS $function$
declare
  message text := format('Replaced by action %s of %s.', p_newer_action_id, d.name);
  superseded bigint;
begin
  update actions set state = 'superseded', finished_at = now(), error = message
  where deployment_id = d.id and state = 'waiting'
  returning id into superseded;
  if superseded is not null then
    perform insert_audit_entry('end_waiting', 'accepted', p_actor, p_issuer, p_subject, p_proof, p_claimed_actor, p_source, p_reason,
      p_address, p_request_id, d.name, superseded, 1, json_build_object('message', message, 'newer_action_id', p_newer_action_id));
  end if;
  return superseded;
end
$function$;

CREATE OR REPLACE FUNCTION to_api_action_failure(a actions, with_output boolean)
 RETURNS jsonb
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select case when a.state in ('failed', 'timed_out', 'interrupted') then to_api_failure(
    a.failure,
    case a.state when 'timed_out' then 'time_limit' when 'interrupted' then 'runner_lost' else 'script' end,
    coalesce(a.error, to_failure_message(a), 'The action was interrupted.'), null, with_output) end
$function$;

CREATE OR REPLACE FUNCTION to_api_action_kind(kind text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select initcap(kind) || 'Action'
$function$;

CREATE OR REPLACE FUNCTION to_api_action_summary(a actions)
 RETURNS json
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select json_build_object(
    'action_id', a.id,
    'action', to_api_action_kind(a.kind),
    'state', a.state,
    'attempt', a.attempt,
    'actor', a.actor,
    'proof', a.proof,
    'claimed_actor', a.claimed_actor,
    'source', a.source,
    'reason', a.reason,
    'created_at', to_api_time(a.created_at),
    'started_at', to_api_time(a.started_at),
    'finished_at', to_api_time(a.finished_at),
    'exit_code', a.exit_code,
    'signal', a.signal,
    'error', coalesce(a.error, to_failure_message(a)),
    'truncated', a.truncated,
    'cancel_requested_at', to_api_time(a.cancel_requested_at),
    'cancelled_by', a.cancelled_by)
$function$;

CREATE OR REPLACE FUNCTION to_api_check_failure(c deployment_checks, is_pending boolean, with_output boolean)
 RETURNS jsonb
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select case
    when c.stopped_waiting_by is not null then to_api_failure(
      coalesce(c.failure, '{}') || jsonb_build_object('what', 'stopped_waiting',
        'message', c.stopped_waiting_by || ' stopped waiting for the check.'),
      null, null, '["edit", "retry"]', with_output)
    when c.error is not null then to_api_failure(c.failure, 'script', c.error,
      case when is_pending then '["stop_waiting", "edit"]' else '["edit"]' end::jsonb, with_output)
  end
$function$;

CREATE OR REPLACE FUNCTION to_api_failed_scripts(p_deployment_id bigint, c deployment_checks, with_output boolean)
 RETURNS json
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select coalesce(json_agg(json_build_object(
    'failed_at', to_api_time(f.failed_at),
    'failure', to_api_failure(f.failure, 'script', f.failure ->> 'message', '[]', with_output)) order by f.script), '[]')
  from script_failures f
  where f.subject in ('deployment ' || p_deployment_id, 'config', 'config ' || c.config_hash)
    and f.script is distinct from case when c.error is not null then c.failure ->> 'script' end
$function$;

CREATE OR REPLACE FUNCTION to_api_failure(failure jsonb, what text, message text, check_remedies jsonb, with_output boolean)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select jsonb_build_object(
    'what', coalesce(failure ->> 'what', what),
    'script', failure -> 'script',
    'message', coalesce(failure ->> 'message', message),
    'hint', case when with_output then failure -> 'hint' end,
    'output', case when with_output then failure -> 'output' end,
    'output_hidden', not with_output and failure ->> 'output' is not null,
    'remedies', case
      when check_remedies is not null then check_remedies
      when failure ->> 'what' in ('config_check', 'config_script') then '["edit", "retry"]'::jsonb
      else '["retry", "edit"]'::jsonb
    end || case
      when with_output and check_remedies is null then '["show_output"]'::jsonb
      when not with_output and failure ->> 'output' is not null then '["sign_in"]'::jsonb
      else '[]'::jsonb
    end)
$function$;

CREATE OR REPLACE FUNCTION to_api_links(links jsonb)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select jsonb_path_query_array(
    links, 'strict $[*] ? (@.name.type() == "string" && @.link.type() == "string")', '{}', true)
$function$;

CREATE OR REPLACE FUNCTION to_api_overrides(overrides jsonb)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case
    when jsonb_path_query_array(overrides, 'strict $[*] ? (@.size() == 2 && @[0].type() == "string"
        && ((@[1].tag == "ValueDeleted" && !exists (@[1].contents))
          || (@[1].tag == "ValueAdded" && @[1].contents.type() == "string")))', '{}', true) = overrides then overrides
    else (
      select coalesce(jsonb_agg(
        case entry #>> '{1,tag}' when 'ValueDeleted' then entry #- '{1,contents}' else entry end order by position), '[]')
      from jsonb_array_elements(jsonb_path_query_array(overrides, 'strict $[*] ? (@.size() == 2 && @[0].type() == "string"
        && (@[1].tag == "ValueDeleted" || (@[1].tag == "ValueAdded" && @[1].contents.type() == "string")))', '{}', true))
        with ordinality as entries (entry, position))
  end
$function$;

CREATE OR REPLACE FUNCTION to_api_status(status text)
 RETURNS json
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select case
    when status in ('GenericFailure', 'PartialAvailability', 'TagMismatch')
      then json_build_object('tag', 'Failure', 'contents', status)
    else json_build_object('tag', status)
  end
$function$;

CREATE OR REPLACE FUNCTION to_api_time(at timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$function$;

CREATE OR REPLACE FUNCTION to_failure_message(a actions)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select case
    when a.state = 'timed_out' then 'The script ran too long and was ended.'
    when a.state <> 'failed' then null
    when a.signal is not null then 'The script was ended by the signal ' || a.signal || '.'
    else 'The script failed' || coalesce(' with exit code ' || a.exit_code, '') || '.'
  end
$function$;

-- Triggers

CREATE TRIGGER enforce_output_fencing_token AFTER INSERT ON action_output REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION enforce_output_fencing_token();
CREATE TRIGGER enforce_fencing_token BEFORE UPDATE ON actions FOR EACH ROW EXECUTE FUNCTION enforce_fencing_token();
CREATE TRIGGER note_deleted_actions AFTER DELETE ON actions REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_deleted_actions();
CREATE TRIGGER prevent_active_action_delete BEFORE DELETE ON actions FOR EACH ROW EXECUTE FUNCTION prevent_active_action_delete();
CREATE TRIGGER require_deployment BEFORE INSERT OR UPDATE OF deployment_id ON actions FOR EACH ROW WHEN (new.deployment_id IS NOT NULL) EXECUTE FUNCTION require_deployment();
CREATE TRIGGER note_unsealed_audit_entry AFTER INSERT ON audit_entries FOR EACH ROW EXECUTE FUNCTION note_unsealed_audit_entry();
CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON audit_entries FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE ON audit_seals FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit_seals FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
CREATE CONSTRAINT TRIGGER count_insert_or_delete AFTER INSERT OR DELETE ON deployments DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION count_change();
CREATE CONSTRAINT TRIGGER count_update AFTER UPDATE ON deployments DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.revision <> old.revision) EXECUTE FUNCTION count_change();
CREATE CONSTRAINT TRIGGER log_status_change AFTER UPDATE OF status ON deployments DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.status <> old.status) EXECUTE FUNCTION log_status_change();
CREATE TRIGGER note_deleted_deployment AFTER DELETE ON deployments FOR EACH ROW EXECUTE FUNCTION note_deleted_deployment();
CREATE TRIGGER plan_check AFTER INSERT OR UPDATE OF status ON deployments FOR EACH ROW EXECUTE FUNCTION plan_check();
CREATE TRIGGER set_revision BEFORE INSERT OR UPDATE ON deployments FOR EACH ROW EXECUTE FUNCTION set_revision();
CREATE TRIGGER start_waiting_action AFTER UPDATE OF status ON deployments FOR EACH ROW EXECUTE FUNCTION start_waiting_action_of_row();
CREATE TRIGGER count_output AFTER INSERT OR DELETE OR UPDATE OF bytes, chunks, removed_at ON stored_outputs FOR EACH ROW EXECUTE FUNCTION count_output();

-- Views

create view deployment_details as
 SELECT d.id,
    d.name,
    d.updated_at,
    d.revision,
    d.change_id,
    d.status,
    json_build_object('deployment', json_build_object('name', d.name, 'app_overrides', to_api_overrides(d.app_overrides), 'deployment_overrides', to_api_overrides(d.deployment_overrides)), 'status', json_build_object('tag',
        CASE
            WHEN (a.last).state = ANY (ARRAY['queued'::text, 'running'::text]) THEN 'DeploymentPending'::text
            ELSE 'DeploymentNotPending'::text
        END, 'recorded_status', to_api_status(d.status)), 'metadata', to_api_links(d.links), 'created_at', to_api_time(d.created_at), 'updated_at', to_api_time(d.updated_at), 'revision', d.revision, 'owner',
        CASE
            WHEN d.owner_subject IS NOT NULL THEN json_build_object('issuer', d.owner_issuer, 'subject', d.owner_subject, 'name', d.owner_name)
            ELSE NULL::json
        END, 'labels', d.labels, 'title', d.title, 'last_action',
        CASE
            WHEN (a.last).state = ANY (ARRAY['queued'::text, 'running'::text]) THEN (to_api_action_summary(a.last)::jsonb || jsonb_build_object('expected_duration_ms', (a.last).expected_duration_ms))::json
            WHEN (a.last).id IS NOT NULL THEN to_api_action_summary(a.last)
            ELSE NULL::json
        END, 'waiting_action', ( SELECT json_build_object('action_id', w.id, 'action', to_api_action_kind(w.kind), 'actor', w.actor, 'created_at', to_api_time(w.created_at)) AS json_build_object
           FROM actions w
          WHERE w.deployment_id = d.id AND w.state = 'waiting'::text
         LIMIT 1)) AS body,
    a.last AS last_action,
    d.status_updated_at
   FROM deployments d
     LEFT JOIN LATERAL ( SELECT a_1.*::actions AS last
           FROM actions a_1
          WHERE a_1.deployment_id = d.id AND a_1.wait_conditions IS NULL
          ORDER BY a_1.id DESC
         LIMIT 1) a ON true;
