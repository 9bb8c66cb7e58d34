/** R11: one event to many websockets, and what each of them costs in memory. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Bench } from '../rig/bench.ts'
import { type Figure, kilobytes, ms } from '../rig/figures.ts'
import { type Compared, median } from '../rig/measure.ts'
import { residentBytes, startFloorServer, startServer, type WebProgram } from '../rig/programs.ts'
import { makeScene } from '../rig/scene.ts'
import { seed } from '../rig/seed.ts'

const rounds = 4

export async function live(bench: Bench): Promise<Figure[]> {
  const { clients } = bench.options
  const scene = await makeScene(bench)
  await seed(scene.ours.databaseUrl, { count: 1 })
  const ours = await startServer(bench, scene.ours)
  const floor = await startFloorServer(bench, scene.floor)
  const event = await eventOf(ours)
  const messages = {
    ours: event,
    // What our server sends is what the bare one sends.
    floor: `{"type":"event","seq":1,"event":${event}}`,
  }

  const got = { ours: [] as Round[], floor: [] as Round[] }
  for (let round = 0; round <= rounds; round += 1) {
    const sides = round % 2 === 0 ? (['ours', 'floor'] as const) : (['floor', 'ours'] as const)
    for (const side of sides) {
      const program = { ours, floor }[side]
      const channel = `${scene[side].prefix}:changes`
      got[side].push(await oneRound(bench, program, clients, channel, messages[side]))
    }
  }
  const last = compare(got, (round) => round.lastMs, rounds)
  // Only the first round shows what clients cost: later ones find memory that the process has kept.
  const each = (side: 'ours' | 'floor') => got[side][0]?.bytesEach ?? Number.NaN
  const memory = { ours: each('ours'), floor: each('floor'), ratio: each('ours') / each('floor') }
  return [
    { ...figure(`the last of ${clients} clients has an event`, last), ...written(last, ms) },
    { ...figure('memory a client', memory), ...written(memory, kilobytes) },
  ]
}

type Round = { lastMs: number; bytesEach: number }

async function oneRound(
  { load, engines }: Bench,
  program: WebProgram,
  clients: number,
  channel: string,
  message: string,
): Promise<Round> {
  const before = residentBytes(program)
  await load.run('connect', { events: program.events, clients })
  await pause(300)
  const bytesEach = (residentBytes(program) - before) / clients
  const { lastMs } = await load.run('broadcast', { redisUrl: engines.redisUrl, channel, message, count: 20 })
  await load.run('disconnect', {})
  await pause(200)
  return { lastMs: median(lastMs), bytesEach }
}

function compare(
  got: Record<'ours' | 'floor', Round[]>,
  of: (round: Round) => number,
  last: number,
): Compared {
  const values = (side: 'ours' | 'floor') => got[side].slice(1, last + 1).map(of)
  const ratios = values('ours').map((value, at) => value / (values('floor')[at] ?? Number.NaN))
  return { ours: median(values('ours')), floor: median(values('floor')), ratio: median(ratios) }
}

const figure = (what: string, { ratio }: Compared) => ({
  row: 'R11',
  what,
  ratio,
  target: '<= 1.5',
  met: ratio <= 1.5,
})
const written = ({ ours, floor }: Compared, how: (value: number) => string) => ({
  ours: how(ours),
  floor: how(floor),
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
