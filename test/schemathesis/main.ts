/**
 * Sends generated requests, valid and invalid ones, to a real server and compares every answer with openapi.json. Part
 * of `npm run test:all`. The tool is schemathesis, in the version of requirements.txt; it needs Python and is installed
 * into node_modules/.cache. Exits with 1 when an answer is a 5xx or has a status, type or shape that is not documented.
 */
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { exitOnHelp } from '../../lib/node/help.ts'
import { createApiClient } from '../helpers/api-client.ts'
import { globalSetup, globalTeardown } from '../helpers/setup.ts'
import { startSystem } from '../helpers/system.ts'

exitOnHelp(`npx node test/schemathesis/main.ts [--examples N] [--seed N] [-- OPTION...]

Compares the answers of a server with openapi.json. Options after -- are those of schemathesis, for example
--include-operation-id createDeployment. Without Python and its venv it is skipped.`)

const root = fileURLToPath(new URL('../..', import.meta.url))
const requirements = join(root, 'test/schemathesis/requirements.txt')
const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    examples: { type: 'string', default: '300' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
})

const installed = install()
if ('reason' in installed) console.log(`SKIPPED: ${installed.reason}`)
else process.exitCode = await runAgainstSystem(installed.program)

/** Installs schemathesis once for each version. */
function install(): { program: string } | { reason: string } {
  const version = readFileSync(requirements, 'utf8').trim()
  const folder = join(root, 'node_modules/.cache', version.replace('==', '-'))
  const program = join(folder, 'bin/schemathesis')
  // It is there and its Python too.
  if (spawnSync(program, ['--version'], { timeout: 60_000 }).status === 0) return { program }
  for (const [command, ...args] of [
    ['python3', '-m', 'venv', '--clear', folder],
    [
      join(folder, 'bin/pip'),
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--requirement',
      requirements,
    ],
  ] as const) {
    const { error, status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 300_000 })
    if (error) return { reason: `${command} cannot be started: ${error.message}` }
    // Python prints to stdout that it has no venv.
    const output = stderr.trim() || stdout.trim()
    if (status !== 0) return { reason: `${command} ${args.join(' ')} failed: ${output.slice(-500)}` }
  }
  return { program }
}

async function runAgainstSystem(program: string): Promise<number> {
  await globalSetup()
  try {
    const system = await startSystem({ env: { CHECK_INTERVAL: '3600', METRICS_PORT: '0' } })
    try {
      await createExamples(createApiClient(system.url))
      console.log(
        `seed ${values.seed} (--seed ${values.seed} repeats it), ${values.examples} examples for each operation`,
      )
      const exitCode = await run(program, [
        'run',
        `${system.url}/api/v1/openapi.json`,
        `--header=Authorization: ${system.adminHeader}`,
        `--checks=${checks.join(',')}`,
        `--max-examples=${values.examples}`,
        `--seed=${values.seed}`,
        '--phases=examples,coverage,fuzzing',
        '--suppress-health-check=all',
        '--request-timeout=60',
        '--continue-on-failure',
        ...positionals,
      ])
      const isAlive = system.server.isRunning() && system.runner.isRunning()
      if (!isAlive) console.error('The server or the runner has ended.')
      return isAlive ? exitCode : 1
    } finally {
      await system.stop()
    }
  } finally {
    await globalTeardown()
  }
}

/** So that the examples of the document find something. */
async function createExamples(client: ReturnType<typeof createApiClient>): Promise<void> {
  for (const name of ['feature-1', 'feature-2']) {
    await client.create(name, { 'image.tag': 'v1' })
    await client.waitForStatus(name, 'Running')
  }
}

function run(program: string, args: string[]): Promise<number> {
  // It writes its cache into the current folder.
  const cwd = join(root, 'node_modules/.cache')
  const child = spawn(program, args, { cwd, stdio: 'inherit', env: { ...process.env, NO_COLOR: '1' } })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}
