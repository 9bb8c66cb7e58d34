/**
 * `npm run bench [-- R1 R8 growth …]`: measures the rows of the targets beside their floors and prints a table. Starts
 * what it needs on free ports in a temporary folder and leaves nothing behind. README.md says how to read it.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { type Bench, createClosers, inScene, openBench } from './rig/bench.ts'
import { type Figure, markdown, tableOf } from './rig/figures.ts'
import { record } from './rig/record.ts'
import { accepting } from './rows/accepting.ts'
import { checks } from './rows/checks.ts'
import { type Growth, growth } from './rows/growth.ts'
import { late } from './rows/late.ts'
import { live } from './rows/live.ts'
import { memory } from './rows/memory.ts'
import { octo } from './rows/octo.ts'
import { output } from './rows/output.ts'
import { page } from './rows/page.ts'
import { pipeline } from './rows/pipeline.ts'
import { reading } from './rows/reading.ts'
import { scale } from './rows/scale.ts'

type Group = { rows: string[]; run(bench: Bench, wanted: ReadonlySet<string>): Promise<Figure[]> }

const groups: Group[] = [
  { rows: ['R1', 'R2', 'R3', 'R4'], run: reading },
  { rows: ['R5'], run: accepting },
  { rows: ['R6', 'R7', 'R8'], run: pipeline },
  { rows: ['R9'], run: checks },
  { rows: ['R10'], run: output },
  { rows: ['R11'], run: live },
  { rows: ['R12'], run: octo },
  { rows: ['R13'], run: memory },
  { rows: ['scale'], run: scale },
  { rows: ['page'], run: page },
]
/** Tables of their own. */
const tables: Record<string, (bench: Bench) => Promise<Growth>> = { growth, late }
const known = [...groups.flatMap((group) => group.rows), ...Object.keys(tables)]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    clients: { type: 'string', default: '1000' },
    profile: { type: 'string' },
  },
})
const unknown = positionals.filter((row) => !known.includes(row))
if (unknown.length > 0) {
  console.error(`Not a row: ${unknown.join(', ')}. There are ${known.join(' ')}.`)
  process.exit(1)
}
const wanted = new Set(positionals.length > 0 ? positionals : known)

const closers = createClosers()
let stopping = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, async () => {
    if (stopping) process.exit(1)
    stopping = true
    await closers.close()
    process.exit(130)
  })
}

try {
  const bench = await openBench(
    { clients: Number(values.clients), profileTo: values.profile ?? null },
    closers,
  )
  const machine = await machineLine(bench)
  const figures: Figure[] = []
  for (const { rows, run } of groups) {
    if (stopping || !rows.some((row) => wanted.has(row))) continue
    progress(`measuring ${rows.filter((row) => wanted.has(row)).join(' ')}`)
    try {
      figures.push(...(await inScene(bench, (scene) => run(scene, wanted))))
    } catch (error) {
      // The other rows are still worth having.
      if (!stopping) process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
      process.exitCode = 1
    }
  }
  const grown: Growth[] = []
  for (const [name, measure] of Object.entries(tables)) {
    if (stopping || !wanted.has(name)) continue
    progress(`measuring ${name}`)
    grown.push(await inScene(bench, measure))
  }
  if (stopping) progress('stopping')
  else if (values.json) console.log(JSON.stringify({ machine, figures, growth: grown }))
  else print(machine, figures, grown)
  if (values.record && !stopping) record(machine, figures, grown)
} finally {
  await closers.close()
}

function progress(words: string): void {
  process.stderr.write(`${words} (${Math.round(performance.now() / 1000)} s)\n`)
}

function print(machine: string, figures: readonly Figure[], grown: readonly Growth[]): void {
  console.log(`\n${machine}\n`)
  if (figures.length > 0) console.log(`${tableOf(figures)}\n`)
  for (const { title, head, rows } of grown) console.log(`${title}\n\n${markdown([head, ...rows])}\n`)
}

async function machineLine({ engines }: Bench): Promise<string> {
  const { postgres, redis } = await engines.versions()
  const node = process.versions.node
  return `${availableParallelism()} cores, Node ${node}, PostgreSQL ${postgres}, Redis ${redis}`
}
