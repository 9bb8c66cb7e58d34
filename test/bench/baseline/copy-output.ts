/** The baseline of output: pg alone inserts prepared chunks into the same table, in batches. */
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { measureMemoryGrowth } from '../harness/memory-growth.ts'
import { serveTasks } from '../harness/serve-tasks.ts'

type Task = { databaseUrl: string; actionId: number; file: string; times: number }

const chunkBytes = 64 * 1024
/** In chunks. Octopod, too, collects about this many while it writes a batch. */
const batch = 8

let openClient: pg.Client | null = null

serveTasks(async ({ databaseUrl, actionId, file, times }: Task) => {
  const client = openClient ?? new pg.Client({ connectionString: databaseUrl })
  if (openClient === null) await client.connect()
  openClient = client
  const text = readFileSync(file, 'latin1')
  const chunks = Array.from({ length: Math.ceil(text.length / chunkBytes) }, (_, at) =>
    text.slice(at * chunkBytes, (at + 1) * chunkBytes),
  )
  const { value, grownBytes } = await measureMemoryGrowth(() => copy(client, actionId, chunks, times))
  return { ms: value, bytes: text.length * times, grownBytes }
})

/** Resolves with the time in milliseconds. */
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
