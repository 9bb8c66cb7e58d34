/**
 * `npm run bench -- delete`: how the cost of a delete grows with the output of the deployment. The delete itself
 * answers; the rows are deleted behind it, as a runner does.
 */

import { openPool } from '../../../db/pool.ts'
import { systemActor } from '../../../db/queries/audit/insert-entry.ts'
import { deleteDeployment } from '../../../db/queries/delete-deployment.ts'
import {
  deleteActionsOfDeletedDeployments,
  deleteRemovedChunks,
} from '../../../db/queries/history/delete-behind.ts'
import type { Table } from '../benchmarks/growth.ts'
import { type Bench, runIsolated } from '../harness/bench.ts'
import { query } from '../harness/datastores.ts'
import { createFixture } from '../harness/fixture.ts'
import { formatMs } from '../harness/results.ts'
import { addChunks } from './fill.ts'

type Case = { label: string; actions: number; chunksOfEach: number; text: string; openSnapshot?: boolean }

const smallText = `'line ' || n`
/** 64 KiB that do not compress well. */
const largeText = `(select string_agg(md5(n::text || '-' || i), '') from generate_series(1, 2048) i)`

const cases: readonly Case[] = [
  { label: '10,000', actions: 10, chunksOfEach: 1000, text: smallText },
  { label: '100,000', actions: 10, chunksOfEach: 10_000, text: smallText },
  { label: '1,000,000', actions: 10, chunksOfEach: 100_000, text: smallText },
  { label: '10,000,000', actions: 10, chunksOfEach: 1_000_000, text: smallText },
  { label: '1,000,000 of one action', actions: 1, chunksOfEach: 1_000_000, text: smallText },
  {
    label: '1,000,000, with an old snapshot open',
    actions: 10,
    chunksOfEach: 100_000,
    text: smallText,
    openSnapshot: true,
  },
  { label: '1,000,000 of 100,000 actions', actions: 100_000, chunksOfEach: 10, text: smallText },
  { label: '32,768 with 2 GB of text', actions: 32, chunksOfEach: 1024, text: largeText },
]

export async function deleteGrowth(bench: Bench): Promise<Table> {
  const rows: string[][] = []
  for (const one of cases) rows.push(await runIsolated(bench, (scope) => measure(scope, one)))
  return {
    title: 'How a delete grows with the output:',
    head: ['chunks', 'delete', 'longest step behind it', 'all steps', 'each chunk'],
    rows,
  }
}

async function measure(
  bench: Bench,
  { label, actions, chunksOfEach, text, openSnapshot }: Case,
): Promise<string[]> {
  const { databaseUrl } = (await createFixture(bench)).octopod
  await query(
    databaseUrl,
    `insert into deployments (name, status, app_overrides, deployment_overrides, links) values ('large', 'Running', '[]', '[]', '[]')`,
  )
  await query(
    databaseUrl,
    `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source, started_at, finished_at)
     select d.id, 'update', 'succeeded', '[]', '[]', 'somebody', 'page', now(), now()
     from deployments d, generate_series(1, ${actions})`,
  )
  await addChunks(databaseUrl, 'select id from actions', chunksOfEach, text)
  await query(databaseUrl, 'vacuum analyze')
  const pool = await openPool(databaseUrl, { size: 2 })
  bench.onClose(() => pool.end())
  if (openSnapshot) bench.onClose(await holdSnapshot(databaseUrl))

  const deleteMs = await timeOf(() => deleteDeployment(pool, 'large', systemActor, undefined))
  let longestMs = 0
  let totalMs = 0
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now()
    const result = await work()
    const ms = performance.now() - startedAt
    longestMs = Math.max(longestMs, ms)
    totalMs += ms
    return result
  }
  while (await step(() => deleteActionsOfDeletedDeployments(pool)));
  for (let after: number | null = 0; after !== null; ) {
    const from: number = after
    after = await step(() => deleteRemovedChunks(pool, from, 1000))
  }
  const [left] = await query(databaseUrl, 'select count(*)::int as count from action_output')
  if (left?.count !== 0) throw new Error(`${left?.count} chunks are left`)
  const eachUs = (totalMs * 1000) / (actions * chunksOfEach)
  return [
    label,
    formatMs(deleteMs),
    formatMs(longestMs),
    `${(totalMs / 1000).toFixed(1)} s`,
    `${eachUs.toFixed(1)} µs`,
  ]
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

/**
 * A transaction that sees the rows as they are now: PostgreSQL keeps all that are deleted after it. Returns how to end
 * it.
 */
async function holdSnapshot(databaseUrl: string): Promise<() => Promise<void>> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query('begin isolation level repeatable read')
  await client.query('select from deployments limit 1')
  return () => client.end()
}
