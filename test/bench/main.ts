/**
 * `npm run bench [-- R1 R8 growth …]`: compares Octopod with its baseline and prints a table. It starts what
 * it needs on free ports in a temporary folder and removes it at the end. README.md explains how to read the
 * table.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { exitOnHelp } from '../../lib/node/help.ts'
import { acceptUpdate } from './benchmarks/accept-update.ts'
import { hiddenSecrets } from './benchmarks/access/hidden-secrets.ts'
import { identity } from './benchmarks/access/identity.ts'
import { strangers } from './benchmarks/access/strangers.ts'
import { actionPipeline } from './benchmarks/action-pipeline.ts'
import { bulk } from './benchmarks/bulk.ts'
import { checks } from './benchmarks/checks.ts'
import { growth, type Table } from './benchmarks/growth.ts'
import { idleMemory } from './benchmarks/idle-memory.ts'
import { lateChecks } from './benchmarks/late-checks.ts'
import { octoStartup } from './benchmarks/octo-startup.ts'
import { outputThroughput } from './benchmarks/output-throughput.ts'
import { page, pageLog } from './benchmarks/page/page.ts'
import { readList } from './benchmarks/read-list.ts'
import { scaleOut } from './benchmarks/scale-out.ts'
import { websocketFanout } from './benchmarks/websocket-fanout.ts'
import { type Bench, createCleanup, openBench, runIsolated } from './harness/bench.ts'
import { type Result, renderResults, renderTable } from './harness/results.ts'
import { updateReadme } from './harness/update-readme.ts'
import { auditPages } from './large-database/audit-pages.ts'
import { deleteGrowth } from './large-database/delete-growth.ts'
import { largeDatabase } from './large-database/large-database.ts'

exitOnHelp(`npm run bench [-- ROW...] [--json] [--record] [--clients N] [--seconds N] [--profile FOLDER]

Measures the named rows of test/bench/README.md (R1 to R13, R15 to R17, bulk, scale, page, page-bulk, page-log, growth, late), or all of them, and compares
Octopod with the bare libraries. The rows strangers, large, delete and audit are measured only when they are named. strangers takes
--seconds (600), and the bench exits with 1 when it misses a target.
--record writes the results into test/bench/README.md.`)

type Group = {
  rows: string[]
  run(bench: Bench, selected: ReadonlySet<string>): Promise<Result[]>
  /** Takes minutes, so it is measured only when it is named, and a missed target is an error. */
  isAcceptance?: boolean
}

const groups: Group[] = [
  { rows: ['R1', 'R2', 'R3', 'R4'], run: readList },
  { rows: ['R5'], run: acceptUpdate },
  { rows: ['R6', 'R7', 'R8'], run: actionPipeline },
  { rows: ['R9'], run: checks },
  { rows: ['R10'], run: outputThroughput },
  { rows: ['R11'], run: websocketFanout },
  { rows: ['R12'], run: octoStartup },
  { rows: ['R13'], run: idleMemory },
  { rows: ['R15', 'R16'], run: identity },
  { rows: ['R17'], run: hiddenSecrets },
  { rows: ['bulk'], run: bulk },
  { rows: ['scale'], run: scaleOut },
  { rows: ['page', 'page-bulk'], run: page },
  { rows: ['page-log'], run: pageLog },
  { rows: ['strangers'], run: strangers, isAcceptance: true },
]
/** Benchmarks with a table of their own. */
const tables: Record<string, (bench: Bench) => Promise<Table>> = { growth, late: lateChecks }
/** Take many minutes and gigabytes, so they are measured only when they are named. */
const largeTables: typeof tables = {
  large: largeDatabase,
  delete: deleteGrowth,
  audit: auditPages,
}
const usual = [
  ...groups.filter((group) => !group.isAcceptance).flatMap((group) => group.rows),
  ...Object.keys(tables),
]
const known = [...new Set([...usual, ...groups.flatMap((group) => group.rows), ...Object.keys(largeTables)])]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    clients: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '600' },
    profile: { type: 'string' },
  },
})
const unknown = positionals.filter((row) => !known.includes(row))
if (unknown.length > 0) {
  console.error(`Not a row: ${unknown.join(', ')}. There are ${known.join(' ')}.`)
  process.exit(1)
}
const selected = new Set(positionals.length > 0 ? positionals : usual)

const cleanup = createCleanup()
let stopping = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, async () => {
    if (stopping) process.exit(1)
    stopping = true
    await cleanup.close()
    process.exit(130)
  })
}

try {
  const bench = await openBench(
    { clients: Number(values.clients), seconds: Number(values.seconds), profileTo: values.profile ?? null },
    cleanup,
  )
  const machine = await machineLine(bench)
  const results: Result[] = []
  for (const { rows, run, isAcceptance } of groups) {
    if (stopping || !rows.some((row) => selected.has(row))) continue
    progress(`measuring ${rows.filter((row) => selected.has(row)).join(' ')}`)
    try {
      const measured = await runIsolated(bench, (scope) => run(scope, selected))
      results.push(...measured)
      if (isAcceptance && measured.some(({ met }) => met === false)) process.exitCode = 1
    } catch (error) {
      // The other rows are still measured.
      if (!stopping) process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
      process.exitCode = 1
    }
  }
  const tableResults: Table[] = []
  for (const [name, measure] of Object.entries({ ...tables, ...largeTables })) {
    if (stopping || !selected.has(name)) continue
    progress(`measuring ${name}`)
    tableResults.push(await runIsolated(bench, measure))
  }
  if (stopping) progress('stopping')
  else if (values.json) console.log(JSON.stringify({ machine, results, growth: tableResults }))
  else print(machine, results, tableResults)
  if (values.record && !stopping) updateReadme(machine, results, tableResults)
} finally {
  await cleanup.close()
}

function progress(message: string): void {
  process.stderr.write(`${message} (${Math.round(performance.now() / 1000)} s)\n`)
}

function print(machine: string, results: readonly Result[], tableResults: readonly Table[]): void {
  console.log(`\n${machine}\n`)
  if (results.length > 0) console.log(`${renderResults(results)}\n`)
  for (const { title, head, rows } of tableResults)
    console.log(`${title}\n\n${renderTable([head, ...rows])}\n`)
}

async function machineLine({ datastores }: Bench): Promise<string> {
  const { postgres, redis } = await datastores.versions()
  const node = process.versions.node
  return `${availableParallelism()} cores, Node ${node}, PostgreSQL ${postgres}, Redis ${redis}`
}
