/**
 * Proves that the fault tests can fail: removes one safeguard at a time from a scratch copy of the
 * repository, runs the two short tests there, and expects a violation of the right invariant. For a mutant of
 * access-mutants.ts it runs the one test that must fail. First it runs them unchanged, and they must pass. Usage: `npx node test/fault/mutations.ts [words of one mutant]`. Exits
 * with 1 when a mutant survives.
 */
import { spawn } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exitOnHelp } from '../../lib/node/help.ts'
import { files, root } from '../architecture/repository.ts'
import { accessMutants } from './access-mutants.ts'
import { type Mutant, mutants } from './mutants.ts'

exitOnHelp(`npx node test/fault/mutations.ts [WORD...]

Removes one safeguard at a time in a copy of the repository and requires that the short fault tests fail.
The words select mutants by name. TRIES=N sets the runs per mutant (2).`)

/** A random test may miss a mutant once and find it the next time. */
const tries = Number(process.env.TRIES ?? 2)

const nameFilter = process.argv.slice(2).join(' ')
const chosen = Object.entries(mutants).filter(([name]) => name.includes(nameFilter))
const chosenOfAccess = Object.entries(accessMutants).filter(([name]) => name.includes(nameFilter))
const isNoneChosen = chosen.length + chosenOfAccess.length === 0
const tests = ['crash-points', 'random-plan']
const rows: string[] = []
let survivors = 0

const scratch = await mkdtemp(join(tmpdir(), 'octopod-mutant-'))
// When root starts it, PostgreSQL runs under another account, which must be able to enter the folder.
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
  for (const name of chosen.length === 0 ? [] : tests) {
    const { found, code, text } = await runTest(name, [])
    if (code === 0) continue
    console.error(text)
    throw new Error(`${name}.test.ts fails (${[...found].join(', ')}) although nothing was changed`)
  }
  for (const [name, mutant] of chosen) {
    const { found, seconds } = await runWithMutant(mutant, async () => {
      const startedAt = performance.now()
      const found = new Set<string>()
      const order = mutant.firstTest === 'crash-points' ? tests : tests.toReversed()
      for (const test of Array.from({ length: tries }, () => order).flat()) {
        for (const one of (await runTest(test, mutant.violates)).found) found.add(one)
        if (mutant.violates.some((one) => found.has(one))) break
      }
      return { found: [...found].sort(), seconds: (performance.now() - startedAt) / 1000 }
    })
    const killed = mutant.violates.some((one) => found.includes(one))
    if (!killed) survivors += 1
    rows.push(
      `| ${name} | ${mutant.violates.join(', ')} | ${found.join(', ') || 'none'} | ${killed ? 'failed' : '**SURVIVED**'} | ${seconds.toFixed(0)} s |`,
    )
    console.log(rows.at(-1))
  }
  for (const path of new Set(chosenOfAccess.map(([, { failsIn }]) => failsIn)))
    if (!(await passes(path))) throw new Error(`${path} fails although nothing was changed`)
  for (const [name, mutant] of chosenOfAccess) {
    const startedAt = performance.now()
    const killed = !(await runWithMutant(mutant, () => passes(mutant.failsIn)))
    if (!killed) survivors += 1
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
    rows.push(`| ${name} | ${mutant.failsIn} | | ${killed ? 'failed' : '**SURVIVED**'} | ${seconds} s |`)
    console.log(rows.at(-1))
  }
} finally {
  await rm(scratch, { recursive: true, force: true })
}
console.log(
  `\n| mutant | must violate | violated | tests | time |\n| --- | --- | --- | --- | --- |\n${rows.join('\n')}`,
)
if (isNoneChosen) console.error(`no mutant is called "${nameFilter}"`)
process.exit(survivors > 0 || isNoneChosen ? 1 : 0)

async function runWithMutant<T>(
  { file, search, replacement }: Pick<Mutant, 'file' | 'search' | 'replacement'>,
  work: () => Promise<T>,
): Promise<T> {
  const path = join(scratch, file)
  const text = await readFile(path, 'utf8')
  const pieces = text.split(search)
  if (pieces.length !== 2)
    throw new Error(`${file} contains ${search} ${pieces.length - 1} times instead of once`)
  await writeFile(path, pieces.join(replacement))
  try {
    return await work()
  } finally {
    await writeFile(path, text)
  }
}

/** Runs a test file as `npm test` does. */
function passes(path: string): Promise<boolean> {
  const child = spawn(
    process.execPath,
    ['--test', '--test-global-setup=test/helpers/setup.ts', '--test-reporter=dot', path],
    { cwd: scratch, stdio: 'ignore', env: { ...process.env, TMPDIR: temporary } },
  )
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code === 0))
  })
}

/**
 * Runs one of the two tests; resolves with the violated invariants it names. Ends it as soon as an expected
 * one is among them.
 */
function runTest(
  test: string,
  expected: readonly string[],
): Promise<{ found: Set<string>; code: number | null; text: string }> {
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', `test/fault/${test}.test.ts`], {
    cwd: scratch,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
    // What has not ended after these times will never end.
    env: { ...process.env, TMPDIR: temporary, FAULT_QUIET: '25', FAULT_TIMEOUT: '40' },
  })
  const found = new Set<string>()
  let text = ''
  child.stdout.on('data', (bytes) => {
    text += bytes
    for (const [, one = ''] of text.matchAll(/\b(I[1-6]) \(/g)) found.add(one)
    // Its servers, runners and datastores end with it, because each has an orphan guard.
    if (expected.some((one) => found.has(one)) && child.pid !== undefined && child.exitCode === null)
      process.kill(-child.pid, 'SIGTERM')
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ found, code, text }))
  })
}
