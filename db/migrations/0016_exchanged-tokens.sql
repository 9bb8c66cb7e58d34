-- Tokens that CI jobs got for an ID token, and the keys of the issuers of ID tokens.

alter table access_tokens
  drop constraint access_tokens_kind_check,
  add constraint access_tokens_kind_check check (kind in ('personal', 'service', 'exchange')),
  -- Of the ID token: what the token gives is decided by them and the present policy.
  add column claims jsonb,
  add constraint access_tokens_claims_check check ((kind = 'exchange') = (claims is not null));

-- ID tokens that count once, until they end by themselves.
create table used_id_tokens (
  -- SHA-256 of header and claims: a signature may be written in several ways.
  hash bytea primary key,
  expires_at timestamptz not null
);

-- Only issuers that a trust rule names. The keys count for a day after they were fetched.
create table issuer_keys (
  issuer text primary key,
  keys jsonb,
  fetched_at timestamptz,
  -- Servers take turns: one of them asks the issuer, at most once a minute.
  attempted_at timestamptz not null,
  -- Why the last attempt failed; null: it did not.
  problem text
);
