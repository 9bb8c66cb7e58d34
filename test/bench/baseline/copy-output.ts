/** The floor of output: the chunks are there already; pg alone copies them into the same table, in batches. */
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { measureMemoryGrowth } from '../harness/memory-growth.ts'
import { serveWorker } from './worker.ts'

type Asked = { databaseUrl: string; actionId: number; file: string; times: number }

const chunkBytes = 64 * 1024
/** As many as wait while one batch is being written. */
const batch = 8

let kept: pg.Client | null = null

serveWorker(async ({ databaseUrl, actionId, file, times }: Asked) => {
  const client = kept ?? new pg.Client({ connectionString: databaseUrl })
  if (kept === null) await client.connect()
  kept = client
  const text = readFileSync(file, 'latin1')
  const chunks = Array.from({ length: Math.ceil(text.length / chunkBytes) }, (_, at) =>
    text.slice(at * chunkBytes, (at + 1) * chunkBytes),
  )
  const { value, grownBytes } = await measureMemoryGrowth(() => copy(client, actionId, chunks, times))
  return { ms: value, bytes: text.length * times, grownBytes }
})

/** Returns how long it took, in milliseconds. */
async function copy(
  client: pg.Client,
  actionId: number,
  chunks: readonly string[],
  times: number,
): Promise<number> {
  const startedAt = performance.now()
  let seq = 1
  for (let time = 0; time < times; time += 1) {
    for (let at = 0; at < chunks.length; at += batch) {
      const texts = chunks.slice(at, at + batch)
      await client.query(
        `insert into action_output (action_id, fencing_token, seq, stream, text)
         select $1, 1, * from unnest($2::int4[], $3::text[], $4::text[]) on conflict do nothing`,
        [actionId, texts.map((_, index) => seq + index), texts.map(() => 'stdout'), texts],
      )
      seq += texts.length
    }
  }
  return performance.now() - startedAt
}
