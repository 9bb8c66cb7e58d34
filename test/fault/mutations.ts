/**
 * Proves that the short form can fail: takes one safeguard at a time out of a scratch copy of the repository, runs the short
 * form there, and demands that it goes red for the right invariant. `npm run test:fault:mutations [-- words of a mutant]`;
 * ends with 1 when a mutant survives.
 */
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { files, root } from '../law/repository.ts'
import { type Mutant, mutants } from './mutants.ts'

const suite = ['test/fault/steps.test.ts', 'test/fault/plan.test.ts']
/** What is random may miss once what it finds the next time. */
const tries = Number(process.env.TRIES ?? 2)

const wanted = process.argv.slice(2).join(' ')
const chosen = Object.entries(mutants).filter(([name]) => name.includes(wanted))
const rows: string[] = []
let survivors = 0

const scratch = await mkdtemp(join(tmpdir(), 'octopod-mutant-'))
try {
  for (const path of files()) await cp(join(root, path), join(scratch, path), { verbatimSymlinks: true })
  await cp(join(root, 'test/fault/scripts'), join(scratch, 'test/fault/scripts'), {
    recursive: true,
    verbatimSymlinks: true,
  })
  await symlink(join(root, 'node_modules'), join(scratch, 'node_modules'))
  for (const [name, mutant] of chosen) {
    const { found, seconds } = await withMutant(mutant, async () => {
      const startedAt = performance.now()
      let found: string[] = []
      for (
        let attempt = 0;
        attempt < tries && !mutant.breaks.some((one) => found.includes(one));
        attempt += 1
      )
        found = await runSuite()
      return { found, seconds: (performance.now() - startedAt) / 1000 }
    })
    const killed = mutant.breaks.some((one) => found.includes(one))
    if (!killed) survivors += 1
    rows.push(
      `| ${name} | ${mutant.breaks.join(', ')} | ${found.join(', ') || 'none'} | ${killed ? 'red' : '**SURVIVED**'} | ${seconds.toFixed(0)} s |`,
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

async function withMutant<T>({ file, from, to }: Mutant, work: () => Promise<T>): Promise<T> {
  const path = join(scratch, file)
  const text = await readFile(path, 'utf8')
  const pieces = text.split(from)
  if (pieces.length !== 2)
    throw new Error(`${file} has ${pieces.length - 1} places like ${from}, wanted is one`)
  await writeFile(path, pieces.join(to))
  try {
    return await work()
  } finally {
    await writeFile(path, text)
  }
}

/** The invariants that the short form names as violated. */
function runSuite(): Promise<string[]> {
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', ...suite], {
    cwd: scratch,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', (bytes) => {
    text += bytes
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () =>
      resolve([...new Set([...text.matchAll(/\b(I[1-6]) \(/g)].map(([, one]) => String(one)))].sort()),
    )
  })
}
