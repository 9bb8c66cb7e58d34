/** R11: one event to many websockets, and what each of them costs in memory. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Bench } from '../harness/bench.ts'
import { createFixture } from '../harness/fixture.ts'
import { type Comparison, median } from '../harness/measure.ts'
import { residentBytes, startBaselineServer, startServer, type WebProgram } from '../harness/programs.ts'
import { formatKilobytes, formatMs, type Result } from '../harness/results.ts'
import { seed } from '../harness/seed.ts'

const rounds = 4

export async function websocketFanout(bench: Bench): Promise<Result[]> {
  const { clients } = bench.options
  const scene = await createFixture(bench)
  await seed(scene.ours.databaseUrl, { count: 1 })
  const ours = await startServer(bench, scene.ours)
  const baseline = await startBaselineServer(bench, scene.baseline)
  const event = await eventOf(ours)
  const messages = {
    ours: event,
    // What our server sends is what the bare one sends.
    baseline: `{"type":"event","seq":1,"event":${event}}`,
  }

  const got = { ours: [] as Round[], baseline: [] as Round[] }
  for (let round = 0; round <= rounds; round += 1) {
    const sides = round % 2 === 0 ? (['ours', 'baseline'] as const) : (['baseline', 'ours'] as const)
    for (const side of sides) {
      const program = { ours, baseline }[side]
      const channel = `${scene[side].prefix}:changes`
      got[side].push(await oneRound(bench, program, clients, channel, messages[side]))
    }
  }
  const last = compare(got, (round) => round.lastMs, rounds)
  // Only the first round shows what clients cost: later ones find memory that the process has kept.
  const each = (side: 'ours' | 'baseline') => got[side][0]?.bytesEach ?? Number.NaN
  const memory = { ours: each('ours'), baseline: each('baseline'), ratio: each('ours') / each('baseline') }
  return [
    { ...figure(`the last of ${clients} clients has an event`, last), ...written(last, formatMs) },
    { ...figure('memory a client', memory), ...written(memory, formatKilobytes) },
  ]
}

type Round = { lastMs: number; bytesEach: number }

async function oneRound(
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
  got: Record<'ours' | 'baseline', Round[]>,
  of: (round: Round) => number,
  last: number,
): Comparison {
  const values = (side: 'ours' | 'baseline') => got[side].slice(1, last + 1).map(of)
  const ratios = values('ours').map((value, at) => value / (values('baseline')[at] ?? Number.NaN))
  return { ours: median(values('ours')), baseline: median(values('baseline')), ratio: median(ratios) }
}

const figure = (description: string, { ratio }: Comparison) => ({
  row: 'R11',
  description,
  ratio,
  target: '<= 1.5',
  met: ratio <= 1.5,
})
const written = ({ ours, baseline }: Comparison, how: (value: number) => string) => ({
  ours: how(ours),
  baseline: how(baseline),
})

/** A change event as our programs publish it. */
async function eventOf({ origin }: WebProgram): Promise<string> {
  const [deployment] = (await (await fetch(`${origin}/api/v1/deployments`)).json()) as {
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
