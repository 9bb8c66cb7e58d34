/** R12: how long `octo list` takes from its start to its end, against what Node itself takes to do nothing. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { buildPackage } from '../../../octo/build/package.ts'
import type { Bench } from '../harness/bench.ts'
import { createFixture } from '../harness/fixture.ts'
import { median } from '../harness/measure.ts'
import { authorization, startServer } from '../harness/programs.ts'
import { formatMs, type Result } from '../harness/results.ts'
import { seed } from '../harness/seed.ts'

const root = join(import.meta.dirname, '../../..')
const rounds = 20

export async function octoStartup(bench: Bench): Promise<Result[]> {
  const scene = await createFixture(bench)
  await seed(scene.ours.databaseUrl, { count: 10 })
  const { origin } = await startServer(bench, scene.ours)
  const packaged = join(bench.folder, bench.uniqueName('octo'))
  await buildPackage(packaged)
  const env = {
    PATH: process.env.PATH,
    HOME: bench.folder,
    NODE_COMPILE_CACHE: join(bench.folder, bench.uniqueName('compiled')),
    OCTOPOD_URL: origin,
    OCTO_AUTHORIZATION_HEADER: authorization,
  }
  const executable = join(root, 'dist/octo')
  const node = process.execPath
  const commands: Record<string, string[]> = {
    packaged: [node, join(packaged, 'octo.cjs'), 'list'],
    source: [node, join(root, 'octo/main.ts'), 'list'],
    baseline: [node, '-e', '0'],
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
  const floor = median(times.baseline ?? [])
  const figure = (description: string, name: string, most: number | null): Result => {
    const ours = median(times[name] ?? [])
    const ratio = ours / floor
    const target = most === null ? '' : `<= ${most}`
    const met = most === null ? null : ratio <= most
    return {
      row: 'R12',
      description,
      ours: formatMs(ours),
      baseline: formatMs(floor),
      ratio,
      target,
      met,
    }
  }
  return [
    figure('octo list on Node, packaged', 'packaged', 2),
    figure('octo list on Node, from source', 'source', null),
    existsSync(executable)
      ? figure('octo list, the executable in dist', 'executable', 1)
      : notBuilt('octo list, the executable in dist'),
  ]
}

const notBuilt = (description: string): Result => ({
  row: 'R12',
  description,
  ours: 'not built yet',
  baseline: '',
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
