/** Fills a database in bulk: deployments, actions and output by generate_series, without the triggers of each row. */
import { query } from '../harness/datastores.ts'

export type Size = { deployments: number; actionsOfEach: number; chunksOfEach: number }

export const largeSize: Size = { deployments: 20_000, actionsOfEach: 25, chunksOfEach: 10 }

const overrides = JSON.stringify([
  ['image.tag', { tag: 'ValueAdded', contents: 'feature-1234' }],
  ['replicas', { tag: 'ValueAdded', contents: '2' }],
])
const links = JSON.stringify([{ name: 'app', link: 'https://app.example.com' }])

/**
 * Deployments `d-1`, `d-2`, …; every fifth is archived. Their actions are a day apart, the newest is a few minutes old.
 */
export async function fillDatabase(databaseUrl: string, size: Size): Promise<void> {
  const { deployments, actionsOfEach, chunksOfEach } = size
  await query(
    databaseUrl,
    `insert into deployments (name, status, app_overrides, deployment_overrides, links, archived_at)
     select 'd-' || n, case when n % 5 = 0 then 'Archived' else 'Running' end, '${overrides}', '[]', '${links}',
       case when n % 5 = 0 then now() - n * interval '1 minute' end
     from generate_series(1, ${deployments}) n order by n`,
  )
  await bulk(
    databaseUrl,
    `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source,
       created_at, started_at, finished_at, exit_code, fencing_token)
     select d.id, 'update', 'succeeded', d.app_overrides, '[]', 'somebody', 'page', at, at, at + interval '20 seconds', 0, 1
     from generate_series(1, ${actionsOfEach}) n cross join deployments d
     cross join lateral (select now() - (${actionsOfEach} - n) * interval '1 day' - interval '5 minutes' as at) as times
     order by n, d.id`,
  )
  await addChunks(databaseUrl, `select id from actions`, chunksOfEach, `repeat('a line of output ', 4) || n`)
  // One transaction has left 20,000 versions of its rows, which no real one does.
  await query(databaseUrl, 'vacuum full change_counts')
  await query(databaseUrl, 'vacuum analyze')
}

/** `actions` is a query of ids, `text` an SQL expression with the number `n` of the chunk. */
export async function addChunks(
  databaseUrl: string,
  actions: string,
  count: number,
  text: string,
): Promise<void> {
  await bulk(
    databaseUrl,
    `insert into action_output (action_id, seq, stream, text, fencing_token)
     select a.id, n, 'stdout', ${text}, 1 from (${actions}) as a (id) cross join generate_series(1, ${count}) n`,
  )
  // What the triggers would have counted.
  await bulk(
    databaseUrl,
    `insert into stored_outputs (action_id, bytes, chunks)
     select action_id, sum(octet_length(text)), count(*) from action_output group by action_id`,
  )
  await query(
    databaseUrl,
    `update output_totals t set bytes = stored.bytes, chunks = stored.chunks
     from (
       select action_id % 64 as shard, sum(bytes) as bytes, sum(chunks) as chunks from stored_outputs group by 1
     ) as stored
     where stored.shard = t.shard`,
  )
}

async function bulk(databaseUrl: string, statement: string): Promise<void> {
  await query(databaseUrl, `set session_replication_role = replica; ${statement}`)
}
