/**
 * `npm test` and `npm run test:all`: builds the page, then runs tests (run-files.ts) on engines started for them. Each
 * part says whether it passed, failed or was skipped; the exit code is 1 when a part failed.
 */
import { spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { parseArgs } from 'node:util'

const usage = `npm test [-- [FILE | FOLDER | GLOB]... [--name PATTERN]]
npm run test:all

Without a path: all tests of test/, but those that need Kubernetes tools or container images.
  --kubernetes   the tests in test/kubernetes, on a control plane built with Go or on KUBECONFIG's cluster
  --octo         octo's tests against its executable; without it they use its package
  --all          everything: the tests, octo's executable, Kubernetes, images, generated requests
                 (schemathesis), and the long fault run
  --name PATTERN only tests whose title matches the regular expression
  --help         this text

  npm test -- test/flow/deployment-lifecycle.test.ts
  npm test -- test/web --name 'search'`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: 'boolean', default: false },
    kubernetes: { type: 'boolean', default: false },
    octo: { type: 'boolean', default: false },
    name: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

type Part = { title: string; run: () => Promise<number> }

const standard = 'test/!(kubernetes|images)/**/*.test.ts'
const testPart = (title: string, paths: string[], environment: Record<string, string> = {}): Part => ({
  title,
  run: () => runTests(paths, environment),
})
const kubernetes = testPart('Kubernetes', ['test/kubernetes/**/*.test.ts'])

const octoExecutable: Part[] = [
  { title: 'octo: build', run: () => run(['octo/build/build.ts']) },
  testPart("octo's executable", ['test/octo/**/*.test.ts'], { OCTO_UNDER_TEST: 'dist/octo' }),
]

if (values.help) console.log(usage)
else process.exitCode = await runParts(chooseParts())

function chooseParts(): Part[] {
  if (values.kubernetes) return [kubernetes]
  if (values.octo) return octoExecutable
  if (!values.all) return [testPart('tests', positionals.length > 0 ? positionals.map(toGlob) : [standard])]
  return [
    testPart('tests', [standard]),
    ...octoExecutable,
    kubernetes,
    testPart('container images', ['test/images/**/*.test.ts']),
    { title: 'generated requests (schemathesis)', run: () => run(['test/schemathesis/main.ts']) },
    { title: 'fault suite, long form', run: () => run(['test/fault/main.ts']) },
  ]
}

/** Runs the parts in turn, all of them also when one fails. Resolves to the exit code. */
async function runParts(parts: Part[]): Promise<number> {
  if ((await run(['web/build/build-page.ts'])) !== 0) return 1
  const failed: string[] = []
  for (const { title, run: runPart } of parts) {
    if (parts.length > 1) console.log(`\n== ${title}`)
    if ((await runPart()) !== 0) failed.push(title)
  }
  if (parts.length > 1)
    console.log(failed.length === 0 ? '\nAll parts passed.' : `\nFailed: ${failed.join('; ')}`)
  return failed.length === 0 ? 0 : 1
}

function runTests(paths: string[], environment: Record<string, string>): Promise<number> {
  const setup = paths.some((path) => path.startsWith('test/kubernetes'))
    ? 'test/kubernetes/setup.ts'
    : 'test/helpers/setup.ts'
  return run(['test/run-files.ts', setup, values.name ?? '', ...paths], environment)
}

/** A folder stands for all tests below it. */
function toGlob(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats?.isDirectory() ? `${path.replace(/\/$/, '')}/**/*.test.ts` : path
}

/** Runs Node with the arguments, passes signals on, and resolves to its exit code. */
function run(args: string[], environment: Record<string, string> = {}): Promise<number> {
  const child = spawn(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...environment } })
  const forward = (signal: NodeJS.Signals) => child.kill(signal)
  process.on('SIGINT', forward).on('SIGTERM', forward)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      process.off('SIGINT', forward).off('SIGTERM', forward)
      resolve(code ?? 1)
    })
  })
}
