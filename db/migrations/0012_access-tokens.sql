-- Access tokens: of people, and of services that a group owns.

create table access_tokens (
  -- Shown in lists. The token itself is shown once and never stored.
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('personal', 'service')),
  -- SHA-256 of the token.
  token_hash bytea not null unique,
  label text not null,
  -- Who acts with the token: the person, or the service.
  issuer text not null,
  subject text not null,
  name text not null,
  -- Only for a service: the group whose rights it has at most.
  owner_group text,
  created_by text not null,
  -- What it gives at most; never more than its owner has when it is used.
  role text not null,
  names jsonb not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  last_used_at timestamptz,
  last_used_address text,
  revoked_at timestamptz,
  revoked_by text,
  check ((kind = 'service') = (owner_group is not null))
);
create index access_tokens_of_person on access_tokens (issuer, subject);

-- The groups at the last sign-in or reading: what tokens of the person may do between sign-ins.
alter table people add column groups jsonb not null default '[]';
