/**
 * strangers: 500 clients without a credential send forms of 0.9 MB with guessed credentials, and the config scripts are
 * slow. Beside them somebody with a credential creates a deployment every two seconds. The settings are those that are
 * shipped. The memory of server and runner must stay as it is, and the creates must be accepted in time.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { FullInfo } from '../../../../domain/schemas.ts'
import type { Bench } from '../../harness/bench.ts'
import { writeControlScripts } from '../../harness/control-scripts.ts'
import { createFixture } from '../../harness/fixture.ts'
import { median, quantile } from '../../harness/measure.ts'
import {
  authorization,
  type Program,
  residentBytes,
  startRunner,
  startServer,
} from '../../harness/programs.ts'
import { formatMegabytes, formatMs, type Result } from '../../harness/results.ts'

const clients = 500
const addresses = Array.from({ length: 8 }, (_, at) => `127.0.0.${at + 2}`)
const createIntervalMs = 2000
/** Caches and heaps have their size after it. */
const warmUpMs = 60_000
const maxGrownBytes = 64 * 1024 * 1024
const maxAcceptedMs = 2000

export async function strangers(bench: Bench): Promise<Result[]> {
  const { octopod } = await createFixture(bench)
  const slow = `sleep 1; echo 'image.tag,latest'`
  const scripts = writeControlScripts(bench, { deployment_config: slow, application_config: slow })
  const server = await startServer(bench, octopod, {})
  const runner = await startRunner(bench, octopod, scripts)
  // The defaults of its form are cached, as where somebody has created a deployment before.
  const failure = await create(server.origin, 'before')
  if (failure !== null) throw new Error(failure)

  const ms = warmUpMs + bench.options.seconds * 1000
  const attack = bench.load.run('strangers', { origin: server.origin, clients, addresses, ms })
  const until = performance.now() + ms
  const creates = createEvery(server.origin, until)
  await pause(warmUpMs / 2)
  const before = await sampleMemory({ server, runner }, performance.now() + warmUpMs / 2)
  const during = await sampleMemory({ server, runner }, until)
  const { answers } = await attack
  const { acceptedMs, failures } = await creates

  const p99 = quantile(acceptedMs, 0.99)
  return [
    createResult(
      'create accepted beside them, p99',
      `${formatMs(p99)} (p50 ${formatMs(median(acceptedMs))}, max ${formatMs(Math.max(...acceptedMs))})`,
      `<= ${formatMs(maxAcceptedMs)}`,
      p99 <= maxAcceptedMs,
    ),
    createResult(
      'creates not accepted',
      `${failures.length} of ${acceptedMs.length + failures.length} ${[...new Set(failures)].join(', ')}`,
      '0',
      failures.length === 0,
    ),
    ...(['server', 'runner'] as const).map((name) => {
      const startBytes = Math.max(...before[name])
      const maxBytes = Math.max(...during[name])
      return createResult(
        `memory of the ${name}: max after a minute, max, end`,
        [startBytes, maxBytes, during[name].at(-1) ?? Number.NaN].map(formatMegabytes).join(', '),
        `<= ${formatMegabytes(maxGrownBytes)} more`,
        maxBytes - startBytes <= maxGrownBytes,
      )
    }),
    createResult('answers to the strangers', renderCounts(answers), '', null),
  ]
}

const createResult = (description: string, octopod: string, target: string, met: boolean | null): Result => ({
  row: 'strangers',
  description,
  octopod,
  baseline: '',
  ratio: null,
  target,
  met,
})

const renderCounts = (answers: Record<string, number>) =>
  Object.entries(answers)
    .sort(([, a], [, b]) => b - a)
    .map(([answer, count]) => `${answer}: ${count.toLocaleString('en')}`)
    .join(', ')

/** The resident bytes of each program, once a second. */
async function sampleMemory<Name extends string>(
  programs: Record<Name, Program>,
  until: number,
): Promise<Record<Name, number[]>> {
  const samples = {} as Record<Name, number[]>
  const names = Object.keys(programs) as Name[]
  for (const name of names) samples[name] = []
  while (performance.now() < until) {
    for (const name of names) samples[name].push(residentBytes(programs[name]))
    await pause(1000)
  }
  return samples
}

/** Creates a deployment every two seconds, and archives and cleans up the older ones behind. */
async function createEvery(
  origin: string,
  until: number,
): Promise<{ acceptedMs: number[]; failures: string[] }> {
  const acceptedMs: number[] = []
  const failures: string[] = []
  const running: Promise<void>[] = []
  for (let count = 1; performance.now() < until; count += 1) {
    const startedAt = performance.now()
    running.push(
      create(origin, `beside-${count}`).then((failure) => {
        if (failure === null) acceptedMs.push(performance.now() - startedAt)
        else failures.push(failure)
      }),
    )
    void cleanUp(origin).catch(() => {})
    await pause(createIntervalMs)
  }
  await Promise.all(running)
  return { acceptedMs, failures }
}

const headers = { Authorization: authorization, 'Content-Type': 'application/json' }
const send = (origin: string, method: string, path: string, body?: unknown) =>
  fetch(`${origin}/api/v1/deployments${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

/** Returns why it was not accepted; null when it was. */
async function create(origin: string, name: string): Promise<string | null> {
  try {
    const answer = await send(origin, 'POST', '', { name, app_overrides: [], deployment_overrides: [] })
    const text = await answer.text()
    return answer.ok ? null : `${answer.status} ${text.slice(0, 200)}`
  } catch (error) {
    return error instanceof Error ? `${error.message} ${error.cause ?? ''}` : String(error)
  }
}

/** What follows on each status, as the path of a DELETE. */
const nextStep: Record<string, string> = { Running: '', Archived: '/cleanup' }

async function cleanUp(origin: string): Promise<void> {
  const answer = await send(origin, 'GET', '')
  const list = (await answer.json()) as FullInfo[]
  for (const { deployment, status } of list) {
    const path = nextStep[status.recorded_status.tag] ?? null
    if (status.tag === 'DeploymentPending') continue
    if (path !== null) await (await send(origin, 'DELETE', `/${deployment.name}${path}`)).text()
  }
}
