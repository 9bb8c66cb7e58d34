-- Ended tokens of CI jobs are deleted at the next exchange.
create index concurrently if not exists access_tokens_of_jobs on access_tokens (expires_at) where kind = 'exchange';
