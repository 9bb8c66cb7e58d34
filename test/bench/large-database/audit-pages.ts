/**
 * `npm run bench -- audit`: pages of an audit log of 1,000,000 entries in three months. A page has 100 entries and takes at most 50 ms
 * in PostgreSQL, whatever its filters.
 */
import { openPool } from '../../../db/pool.ts'
import { type AuditVisibility, readAuditPage } from '../../../db/queries/audit/read-entries.ts'
import { verifyAuditLog } from '../../../db/queries/audit/verify.ts'
import type { AuditQuery } from '../../../domain/audit/audit-schemas.ts'
import type { Table } from '../benchmarks/growth.ts'
import type { Bench } from '../harness/bench.ts'
import { query } from '../harness/datastores.ts'
import { createFixture } from '../harness/fixture.ts'
import { median } from '../harness/measure.ts'
import { formatMs } from '../harness/results.ts'
import { openExplainPool } from './explain-pool.ts'

const entries = 1_000_000
const maxMs = 50
const repeats = 7

const admin: AuditVisibility = { grants: null, seesAccessLog: true, person: null }
const anna = { issuer: 'https://login.example', subject: 'subject-7' }
const reader: AuditVisibility = { grants: [{ names: ['team-3-*'] }], seesAccessLog: false, person: anna }

const cases: readonly [name: string, query: Partial<AuditQuery>, visibility: AuditVisibility][] = [
  ['no filter', {}, admin],
  ['no filter, from the middle', { before: entries / 2 }, admin],
  ['a deployment', { deployment: 'team-3-app-13' }, admin],
  ['an actor with 1 % of the entries', { actor: 'Person 7' }, admin],
  ['an actor by its subject', { actor: 'subject-7' }, admin],
  ['an actor who is unknown', { actor: 'nobody' }, admin],
  ['an actor of long ago', { actor: 'Old Person' }, admin],
  ['an operation', { operation: 'archive' }, admin],
  ['refused', { outcome: 'refused' }, admin],
  ['a day of long ago', { since: daysAgo(60), until: daysAgo(59) }, admin],
  ['an actor and an operation that it never did', { actor: 'Person 7', operation: 'delete' }, admin],
  ['a rare operation and accepted', { operation: 'delete', outcome: 'accepted' }, admin],
  ['names of a pattern', {}, reader],
  ['names of a pattern, refused', { outcome: 'refused' }, reader],
  ['names of a pattern that nothing has', {}, { ...reader, grants: [{ names: ['none-*'] }], person: null }],
]

function daysAgo(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString()
}

export async function auditPages(bench: Bench): Promise<Table> {
  const { databaseUrl } = (await createFixture(bench)).octopod
  await fill(databaseUrl)
  const { pool, takeCost, close } = await openExplainPool(databaseUrl)
  const rows: string[][] = []
  const exceeded: string[] = []
  const measure = async (name: string, run: () => Promise<unknown>) => {
    await run()
    takeCost()
    const costs = []
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      await run()
      costs.push(takeCost())
    }
    const ms = median(costs.map((cost) => cost.ms))
    const { pages = 0, rows: read = 0 } = costs.at(-1) ?? {}
    rows.push([name, String(pages), String(read), formatMs(ms)])
    if (ms > maxMs) exceeded.push(`${name}: ${formatMs(ms)}`)
  }
  try {
    for (const [name, filters, visibility] of cases)
      await measure(name, () => readAuditPage(pool, { limit: 100, ...filters }, visibility))
  } finally {
    await close()
  }
  rows.push(['verify: a page, answered', '', '', formatMs(await timeOfVerification(databaseUrl))])
  if (exceeded.length > 0) {
    process.stderr.write(`Too slow. ${exceeded.join('; ')}\n`)
    process.exitCode = 1
  }
  return {
    title: `A page of 100 of ${entries.toLocaleString('en')} entries of the audit log, at most ${maxMs} ms:`,
    head: ['filter', 'pages of 8 KiB', 'rows read', 'time in PostgreSQL'],
    rows,
  }
}

async function timeOfVerification(databaseUrl: string): Promise<number> {
  const pool = await openPool(databaseUrl, { size: 1 })
  const times: number[] = []
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const startedAt = performance.now()
    await verifyAuditLog(pool, 100, undefined)
    times.push(performance.now() - startedAt)
  }
  await pool.end()
  return median(times)
}

/** 1,000 deployments of 10 teams, 100 people; one entry in a hundred is refused. Sealed, a thousand to a seal. */
async function fill(databaseUrl: string): Promise<void> {
  for (const months of [0, 1, 2, 3])
    for (const parent of ['audit_entries', 'audit_seals'])
      await query(
        databaseUrl,
        `do $$ declare month timestamptz := date_trunc('month', now() at time zone 'utc') at time zone 'utc' - interval '${months} month';
         begin
           if to_regclass('${parent}_' || to_char(month, 'YYYY_MM')) is null then
             execute format('create table %I partition of ${parent} for values from (%L) to (%L)',
               '${parent}_' || to_char(month, 'YYYY_MM'), month, month + interval '1 month');
           end if;
         end $$`,
      )
  await query(
    databaseUrl,
    `insert into audit_entries (at, operation, outcome, actor, issuer, subject, proof, claimed_actor, source, address, request_id, deployment,
       action_id, details)
     select now() - (${entries} - n) * interval '7.7 seconds',
       case when n % 5000 = 0 then 'delete' else (array['create', 'update', 'update', 'update', 'archive', 'restore', 'cleanup'])[1 + n % 7] end,
       case when n % 100 = 0 then 'refused' else 'accepted' end,
       case when n < 3 then 'Old Person' else 'Person ' || n % 100 end, 'https://login.example', 'subject-' || n % 100, 'oidc',
       case when n % 3 = 0 then 'laptop' end, 'page', '192.0.2.' || n % 250, gen_random_uuid()::text,
       case when n % 50 <> 0 then 'team-' || n % 10 || '-app-' || n % 1000 end, n,
       '{"status":{"before":"Running","after":"UpdatePending"},"changes":[{"level":"application","key":"image.tag","before":{"tag":"value","text":"v1"},"after":{"tag":"value","text":"v2"}}]}'
     from generate_series(1, ${entries}) n`,
  )
  await query(databaseUrl, 'vacuum analyze')
  await query(
    databaseUrl,
    `do $$ begin while (select seal_id from seal_audit_entries(1000)) is not null loop commit; end loop; end $$`,
  )
  await query(databaseUrl, 'vacuum analyze')
}
