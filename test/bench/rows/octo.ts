/** R12: how long `octo list` takes from its start to its end, against what Node itself takes to do nothing. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { buildPackage } from '../../../infra/octo/package.ts'
import type { Bench } from '../rig/bench.ts'
import { type Figure, ms } from '../rig/figures.ts'
import { median } from '../rig/measure.ts'
import { authorization, startServer } from '../rig/programs.ts'
import { makeScene } from '../rig/scene.ts'
import { seed } from '../rig/seed.ts'

const root = join(import.meta.dirname, '../../..')
const rounds = 20

export async function octo(bench: Bench): Promise<Figure[]> {
  const scene = await makeScene(bench)
  await seed(scene.ours.databaseUrl, { count: 10 })
  const { origin } = await startServer(bench, scene.ours)
  const packaged = join(bench.folder, bench.fresh('octo'))
  await buildPackage(packaged)
  const env = {
    PATH: process.env.PATH,
    HOME: bench.folder,
    NODE_COMPILE_CACHE: join(bench.folder, bench.fresh('compiled')),
    OCTOPOD_URL: origin,
    OCTO_AUTHORIZATION_HEADER: authorization,
  }
  const executable = join(root, 'dist/octo')
  const node = process.execPath
  const commands: Record<string, string[]> = {
    packaged: [node, join(packaged, 'octo.cjs'), 'list'],
    source: [node, join(root, 'octo/main.ts'), 'list'],
    floor: [node, '-e', '0'],
    ...(existsSync(executable) ? { executable: [executable, 'list'] } : {}),
  }
  const times: Record<string, number[]> = {}
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, command] of Object.entries(commands)) {
      const took = await time(command, env)
      // The first fills the compile cache.
      if (round > 0) times[name] = [...(times[name] ?? []), took]
    }
  }
  const floor = median(times.floor ?? [])
  const figure = (what: string, name: string, most: number | null): Figure => {
    const ours = median(times[name] ?? [])
    const ratio = ours / floor
    const target = most === null ? '' : `<= ${most}`
    const met = most === null ? null : ratio <= most
    return { row: 'R12', what, ours: ms(ours), floor: ms(floor), ratio, target, met }
  }
  return [
    figure('octo list on Node, packaged', 'packaged', 2),
    figure('octo list on Node, from source', 'source', null),
    existsSync(executable)
      ? figure('octo list, the executable in dist', 'executable', 1)
      : notBuilt('octo list, the executable in dist'),
  ]
}

const notBuilt = (what: string): Figure => ({
  row: 'R12',
  what,
  ours: 'not built yet',
  floor: '',
  ratio: null,
  target: '<= 1',
  met: null,
})

async function time([file = '', ...args]: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const startedAt = performance.now()
  const child = spawn(file, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let words = ''
  child.stderr.on('data', (bytes) => {
    words += bytes
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${code}: ${words}`)
  return performance.now() - startedAt
}
