/**
 * Proves that the short form can fail: takes one safeguard at a time out of a scratch copy of the repository, runs the short
 * form there, and demands that it goes red for the right invariant. Before that nothing is taken out, and it must be green. `npx node test/fault/mutations.ts [-- words of a mutant]`;
 * ends with 1 when a mutant survives.
 */
import { spawn } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exitOnHelp } from '../../lib/node/help.ts'
import { files, root } from '../architecture/repository.ts'
import { type Mutant, mutants } from './mutants.ts'

exitOnHelp(`npx node test/fault/mutations.ts [WORD...]

Removes one safeguard at a time in a copy of the repository and requires that the short fault run fails.
The words select mutants by name. TRIES=N sets the runs per mutant (2).`)

/** What is random may miss once what it finds the next time. */
const tries = Number(process.env.TRIES ?? 2)

const wanted = process.argv.slice(2).join(' ')
const chosen = Object.entries(mutants).filter(([name]) => name.includes(wanted))
const halves = ['crash-points', 'random-plan']
const rows: string[] = []
let survivors = 0

const scratch = await mkdtemp(join(tmpdir(), 'octopod-mutant-'))
// As root, PostgreSQL runs under another account, which must pass through.
await chmod(scratch, 0o711)
const temporary = join(scratch, 'temporary')
try {
  await mkdir(temporary, { mode: 0o711 })
  for (const path of files()) await cp(join(root, path), join(scratch, path), { verbatimSymlinks: true })
  await cp(join(root, 'test/scripts'), join(scratch, 'test/scripts'), {
    recursive: true,
    verbatimSymlinks: true,
  })
  await symlink(join(root, 'node_modules'), join(scratch, 'node_modules'))
  for (const half of chosen.length === 0 ? [] : halves) {
    const { found, code, text } = await runHalf(half, [])
    if (code === 0) continue
    console.error(text)
    throw new Error(`${half}.test.ts is red (${[...found].join(', ')}) although nothing was taken out`)
  }
  for (const [name, mutant] of chosen) {
    const { found, seconds } = await runWithMutant(mutant, async () => {
      const startedAt = performance.now()
      const found = new Set<string>()
      const order = mutant.firstTest === 'crash-points' ? halves : halves.toReversed()
      for (const half of Array.from({ length: tries }, () => order).flat()) {
        for (const one of (await runHalf(half, mutant.violates)).found) found.add(one)
        if (mutant.violates.some((one) => found.has(one))) break
      }
      return { found: [...found].sort(), seconds: (performance.now() - startedAt) / 1000 }
    })
    const killed = mutant.violates.some((one) => found.includes(one))
    if (!killed) survivors += 1
    rows.push(
      `| ${name} | ${mutant.violates.join(', ')} | ${found.join(', ') || 'none'} | ${killed ? 'red' : '**SURVIVED**'} | ${seconds.toFixed(0)} s |`,
    )
    console.log(rows.at(-1))
  }
} finally {
  await rm(scratch, { recursive: true, force: true })
}
console.log(
  `\n| taken out | must break | found broken | suite | took |\n| --- | --- | --- | --- | --- |\n${rows.join('\n')}`,
)
if (chosen.length === 0) console.error(`no mutant is called "${wanted}"`)
process.exit(survivors > 0 || chosen.length === 0 ? 1 : 0)

async function runWithMutant<T>({ file, search, replacement }: Mutant, work: () => Promise<T>): Promise<T> {
  const path = join(scratch, file)
  const text = await readFile(path, 'utf8')
  const pieces = text.split(search)
  if (pieces.length !== 2)
    throw new Error(`${file} has ${pieces.length - 1} places like ${search}, wanted is one`)
  await writeFile(path, pieces.join(replacement))
  try {
    return await work()
  } finally {
    await writeFile(path, text)
  }
}

/** One half of the short form, and the invariants it names as violated; it is ended as soon as a wanted one is among them. */
function runHalf(
  half: string,
  wanted: readonly string[],
): Promise<{ found: Set<string>; code: number | null; text: string }> {
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', `test/fault/${half}.test.ts`], {
    cwd: scratch,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
    // What is not over after so many seconds will never be.
    env: { ...process.env, TMPDIR: temporary, FAULT_QUIET: '25', FAULT_PATIENCE: '40' },
  })
  const found = new Set<string>()
  let text = ''
  child.stdout.on('data', (bytes) => {
    text += bytes
    for (const [, one = ''] of text.matchAll(/\b(I[1-6]) \(/g)) found.add(one)
    // Its servers, runners and stores end with it: each has a leash.
    if (wanted.some((one) => found.has(one)) && child.pid !== undefined && child.exitCode === null)
      process.kill(-child.pid, 'SIGTERM')
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ found, code, text }))
  })
}
