-- Programs that ask for an access token, until a signed-in person approves (RFC 8628).

create table device_logins (
  id bigint generated always as identity primary key,
  -- SHA-256 of the device code, which only the program has.
  device_code_hash bytea not null unique,
  -- What the program shows and the person types.
  user_code text not null unique,
  -- What the program says it is.
  client_name text not null,
  address text not null,
  -- The address, or the network of an IPv6 address: one of them may have a limited number of rows.
  address_group text not null,
  state text not null default 'pending' check (state in ('pending', 'approved', 'denied', 'redeemed')),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  -- Who approves or denies it, and what the token will give at most.
  issuer text,
  subject text,
  name text,
  role text,
  token_lifetime_ms float8,
  -- Shared credential: which one, and a slow salted hash of its value until the token is made.
  credential text check (credential in ('admin', 'user')),
  credential_hash bytea,
  -- The token that it gave.
  token_id bigint
);
create index device_logins_by_expiry on device_logins (expires_at);

-- A token that a shared credential has approved ends with the value of the credential: its HMAC under the token.
alter table access_tokens add column credential text check (credential in ('admin', 'user')),
  add column credential_mac bytea;
