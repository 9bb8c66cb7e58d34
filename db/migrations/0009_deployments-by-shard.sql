-- A server reads the deployments of the shards that have changed, not all. The id never changes, so the index leaves
-- updates of a deployment alone.
create index concurrently if not exists deployments_by_shard on deployments ((id % 64));
