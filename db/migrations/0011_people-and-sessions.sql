-- Who acts, with proof; who owns a deployment; who is signed in.

-- People and services whom an identity provider or a trusted proxy has named. An owner is found here by name.
create table people (
  issuer text not null,
  subject text not null,
  name text not null,
  email text,
  last_seen_at timestamptz not null default now(),
  primary key (issuer, subject)
);
create index people_by_name on people (lower(name));
create index people_by_email on people (lower(email));
create index people_by_subject on people (lower(subject));

create table sessions (
  -- Shown in lists of sessions. The id in the cookie is secret.
  id bigint generated always as identity primary key,
  -- SHA-256 of the id in the cookie.
  token_hash bytea not null unique,
  proof text not null check (proof in ('oidc', 'shared')),
  -- Null for a shared credential, which names nobody.
  issuer text,
  subject text,
  name text not null,
  email text,
  groups jsonb not null default '[]',
  -- Shared credential: admin or user, and its HMAC under the id in the cookie. A changed credential ends the session.
  credential text check (credential in ('admin', 'user')),
  credential_mac bytea,
  -- Refresh token and ID token, encrypted under the id in the cookie, which only the browser has.
  provider_tokens bytea,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  groups_read_at timestamptz not null default now(),
  -- One server at a time uses the refresh token, because a provider may accept it once only.
  refresh_claimed_until timestamptz,
  expires_at timestamptz not null,
  address text not null,
  user_agent text not null default ''
);
create index sessions_of_person on sessions (issuer, subject);
create index sessions_by_expiry on sessions (expires_at);

-- Null: nobody owns it. The name stays when the person leaves.
alter table deployments add column owner_issuer text, add column owner_subject text, add column owner_name text;

-- Rows that exist hold names that clients have claimed.
alter table actions add column actor_issuer text, add column actor_subject text,
  add column proof text not null default 'claimed', add column claimed_actor text;

-- One row. OWNERSHIP is on in a new installation; in an upgraded one everybody goes on as before.
create table installation (
  is_only_row boolean primary key default true check (is_only_row),
  respects_owners boolean not null,
  -- The policy file that servers have accepted last. A server starts with it when the file is broken.
  policy text
);
-- New: all migrations so far belong to this transaction, and nothing is there.
insert into installation (respects_owners)
select not exists (select from migrations where run_on < localtimestamp)
  and not exists (select from deployments) and not exists (select from actions)
  and not exists (select from pg_namespace where nspname = 'sqitch');
