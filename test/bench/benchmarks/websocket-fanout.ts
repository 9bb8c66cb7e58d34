/** R11: the time until one event reaches the last of many websockets, and the memory for each of them. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Bench } from '../harness/bench.ts'
import { createFixture } from '../harness/fixture.ts'
import { type Comparison, median } from '../harness/measure.ts'
import {
  authorization,
  residentBytes,
  startBaselineServer,
  startServer,
  type WebProgram,
} from '../harness/programs.ts'
import { formatKilobytes, formatMs, type Result } from '../harness/results.ts'
import { seed } from '../harness/seed.ts'

const rounds = 4

export async function websocketFanout(bench: Bench): Promise<Result[]> {
  const { clients } = bench.options
  const fixture = await createFixture(bench)
  await seed(fixture.octopod.databaseUrl, { count: 1 })
  const octopod = await startServer(bench, fixture.octopod)
  const baseline = await startBaselineServer(bench, fixture.baseline)
  const event = await fetchChangeEvent(octopod)
  const messages = {
    octopod: event,
    // The baseline sends the same bytes as the server of Octopod.
    baseline: `{"type":"event","seq":1,"event":${event}}`,
  }

  const measured = { octopod: [] as Round[], baseline: [] as Round[] }
  for (let round = 0; round <= rounds; round += 1) {
    const sides = round % 2 === 0 ? (['octopod', 'baseline'] as const) : (['baseline', 'octopod'] as const)
    for (const side of sides) {
      const program = { octopod, baseline }[side]
      const channel = `${fixture[side].prefix}:changes`
      measured[side].push(await measureRound(bench, program, clients, channel, messages[side]))
    }
  }
  const last = compare(measured, (round) => round.lastMs, rounds)
  // Only the first round shows the memory of clients: in later rounds the process reuses memory.
  const each = (side: 'octopod' | 'baseline') => measured[side][0]?.bytesEach ?? Number.NaN
  const memory = {
    octopod: each('octopod'),
    baseline: each('baseline'),
    ratio: each('octopod') / each('baseline'),
  }
  return [
    { ...createResult(`the last of ${clients} clients has an event`, last), ...formatBoth(last, formatMs) },
    { ...createResult('memory for each client', memory), ...formatBoth(memory, formatKilobytes) },
  ]
}

type Round = { lastMs: number; bytesEach: number }

async function measureRound(
  { load, datastores }: Bench,
  program: WebProgram,
  clients: number,
  channel: string,
  message: string,
): Promise<Round> {
  const before = residentBytes(program)
  await load.run('connect', { events: program.eventsUrl, clients })
  await pause(300)
  const bytesEach = (residentBytes(program) - before) / clients
  const { lastMs } = await load.run('broadcast', {
    redisUrl: datastores.redisUrl,
    channel,
    message,
    count: 20,
  })
  await load.run('disconnect', {})
  await pause(200)
  return { lastMs: median(lastMs), bytesEach }
}

function compare(
  measured: Record<'octopod' | 'baseline', Round[]>,
  of: (round: Round) => number,
  last: number,
): Comparison {
  const values = (side: 'octopod' | 'baseline') => measured[side].slice(1, last + 1).map(of)
  const ratios = values('octopod').map((value, at) => value / (values('baseline')[at] ?? Number.NaN))
  return { octopod: median(values('octopod')), baseline: median(values('baseline')), ratio: median(ratios) }
}

const createResult = (description: string, { ratio }: Comparison) => ({
  row: 'R11',
  description,
  ratio,
  target: '<= 1.5',
  met: ratio <= 1.5,
})
const formatBoth = ({ octopod, baseline }: Comparison, how: (value: number) => string) => ({
  octopod: how(octopod),
  baseline: how(baseline),
})

/** A change event as Octopod publishes it. */
export async function fetchChangeEvent({ origin }: WebProgram): Promise<string> {
  const [deployment] = (await (
    await fetch(`${origin}/api/v1/deployments`, { headers: { authorization } })
  ).json()) as {
    deployment: { name: string }
    revision: number
  }[]
  return JSON.stringify({
    type: 'deployment',
    name: deployment?.deployment.name,
    revision: deployment?.revision,
    deployment,
  })
}
