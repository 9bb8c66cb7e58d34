/**
 * Runs test files with Node's test runner, each in a process of its own, and prints the slowest ones at the end. Started
 * by run.ts. Arguments: the global setup, a pattern of titles or an empty string, and paths or globs.
 */
import { globSync } from 'node:fs'
import { relative } from 'node:path'
import { type RunOptions, run } from 'node:test'
import { spec, type TestEvent } from 'node:test/reporters'

/** Test files mostly wait for processes, so more of them run at a time than a small machine has processors. */
const concurrency = 5
/** Ends a test file that hangs, for example with a browser that nobody closed. The slowest file takes some minutes. */
const hangTimeoutMs = 20 * 60_000
/** These folders have the files that take longest. They begin first, so that all processors are busy until the end. */
const slowFolders = ['test/fault/', 'test/web/', 'test/flow/', 'test/octo/', 'test/infra/']
const slowestShown = 10

const [globalSetupPath = '', titlePattern = '', ...globs] = process.argv.slice(2)
const files = sortBySlowFolder(globSync(globs))
if (files.length === 0) {
  console.error(`No test file matches ${globs.join(' ')}.`)
  process.exit(1)
}

const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopped.abort())

const durations: { file: string; seconds: number }[] = []
// The types do not know globalSetupPath yet.
const options: RunOptions & { globalSetupPath?: string } = {
  files,
  concurrency,
  timeout: hangTimeoutMs,
  globalSetupPath,
  signal: stopped.signal,
  ...(titlePattern === '' ? {} : { testNamePatterns: new RegExp(titlePattern) }),
}
const results = run(options)
results.on('test:summary', ({ file, success, duration_ms }) => {
  if (file !== undefined) durations.push({ file: relative(process.cwd(), file), seconds: duration_ms / 1000 })
  else if (!success) process.exitCode = 1
})
results.compose(withoutStoppedFiles).compose(new spec()).pipe(process.stdout)
results.on('end', () => {
  if (files.length > slowestShown) process.on('exit', printSlowest)
})

/** Ctrl-C should not print an error for each file that has not begun. */
async function* withoutStoppedFiles(events: AsyncIterable<TestEvent>): AsyncGenerator<TestEvent> {
  for await (const event of events) {
    const error: unknown = event.type === 'test:fail' ? event.data.details.error : null
    const isStopped = stopped.signal.aborted && error instanceof Error && error.name === 'AbortError'
    if (!isStopped) yield event
  }
}

function sortBySlowFolder(paths: string[]): string[] {
  const rank = (path: string) => {
    const index = slowFolders.findIndex((folder) => path.startsWith(folder))
    return index === -1 ? slowFolders.length : index
  }
  return paths.sort().sort((left, right) => rank(left) - rank(right))
}

function printSlowest(): void {
  console.log(`The slowest files, of ${durations.length}:`)
  const slowest = durations.sort((left, right) => right.seconds - left.seconds).slice(0, slowestShown)
  for (const { file, seconds } of slowest) console.log(`${seconds.toFixed(1).padStart(7)} s  ${file}`)
}
