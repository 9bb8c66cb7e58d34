/** R12: the time `octo list` takes from start to end, compared with a Node that does nothing. */
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
  const fixture = await createFixture(bench)
  await seed(fixture.octopod.databaseUrl, { count: 10 })
  const { origin } = await startServer(bench, fixture.octopod)
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
      // The first round fills the compile cache.
      if (round > 0) times[name] = [...(times[name] ?? []), took]
    }
  }
  const baseline = median(times.baseline ?? [])
  const createResult = (description: string, name: string, maxRatio: number | null): Result => {
    const octopod = median(times[name] ?? [])
    const ratio = octopod / baseline
    const target = maxRatio === null ? '' : `<= ${maxRatio}`
    const met = maxRatio === null ? null : ratio <= maxRatio
    return {
      row: 'R12',
      description,
      octopod: formatMs(octopod),
      baseline: formatMs(baseline),
      ratio,
      target,
      met,
    }
  }
  return [
    createResult('octo list on Node, packaged', 'packaged', 7),
    createResult('octo list on Node, from source', 'source', null),
    existsSync(executable)
      ? createResult('octo list, the executable in dist', 'executable', 1.5)
      : notBuilt('octo list, the executable in dist'),
  ]
}

const notBuilt = (description: string): Result => ({
  row: 'R12',
  description,
  octopod: 'not built yet',
  baseline: '',
  ratio: null,
  target: '<= 1.5',
  met: null,
})

async function time([file = '', ...args]: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const startedAt = performance.now()
  const child = spawn(file, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (bytes) => {
    errors += bytes
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${code}: ${errors}`)
  return performance.now() - startedAt
}
