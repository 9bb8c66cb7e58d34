/** R12: how long `octo list` takes from its start to its end, against what Node itself takes to do nothing. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Bench } from '../rig/bench.ts'
import { type Figure, ms } from '../rig/figures.ts'
import { type Compared, median } from '../rig/measure.ts'
import { authorization, startServer } from '../rig/programs.ts'
import { makeScene } from '../rig/scene.ts'
import { seed } from '../rig/seed.ts'

const root = join(import.meta.dirname, '../../..')
const rounds = 20

export async function octo(bench: Bench): Promise<Figure[]> {
  const scene = await makeScene(bench)
  await seed(scene.ours.databaseUrl, { count: 10 })
  const { origin } = await startServer(bench, scene.ours)
  const bundle = join(bench.folder, bench.fresh('octo'), 'main.js')
  await build({
    entryPoints: [join(root, 'octo/main.ts')],
    outfile: bundle.replace(/\.js$/, '.mjs'),
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    logLevel: 'silent',
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
  })
  const env = {
    PATH: process.env.PATH,
    HOME: bench.folder,
    NODE_COMPILE_CACHE: join(bench.folder, bench.fresh('compiled')),
    OCTOPOD_URL: origin,
    OCTO_AUTHORIZATION_HEADER: authorization,
  }
  const commands = {
    source: [join(root, 'octo/main.ts'), 'list'],
    bundled: [bundle.replace(/\.js$/, '.mjs'), 'list'],
    floor: ['-e', '0'],
  }
  type Command = keyof typeof commands
  const times: Record<Command, number[]> = { source: [], bundled: [], floor: [] }
  for (let round = 0; round <= rounds; round += 1) {
    for (const command of Object.keys(commands) as Command[]) {
      const took = await time(commands[command], env)
      // The first fills the compile cache.
      if (round > 0) times[command].push(took)
    }
  }
  const compared = (command: Command): Compared => {
    const [ours, floor] = [median(times[command]), median(times.floor)]
    return { ours, floor, ratio: ours / floor }
  }
  return [
    figure('octo list on Node, bundled', compared('bundled'), 2),
    figure('octo list on Node, from source', compared('source'), null),
    {
      row: 'R12',
      what: 'octo list, single executable',
      ours: 'not built yet',
      floor: '',
      ratio: null,
      target: '<= 1',
      met: null,
    },
  ]
}

function figure(what: string, { ours, floor, ratio }: Compared, most: number | null): Figure {
  const target = most === null ? '' : `<= ${most}`
  const met = most === null ? null : ratio <= most
  return { row: 'R12', what, ours: ms(ours), floor: ms(floor), ratio, target, met }
}

async function time(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let words = ''
  child.stderr.on('data', (bytes) => {
    words += bytes
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with ${code}: ${words}`)
  return performance.now() - startedAt
}
