/** A Redis that is a test's own, to be stopped and started: the one of all tests must stay up. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRedis } from '../../infra/dev/redis/redis.ts'
import { freePort } from '../../lib/node/ports.ts'

export type DedicatedRedis = {
  url: string
  stop(): Promise<void>
  /** At the same address, with what was stored. */
  start(): Promise<void>
  /** For ever. */
  remove(): Promise<void>
}

export async function startDedicatedRedis(): Promise<DedicatedRedis> {
  const dataDir = await mkdtemp(join(tmpdir(), 'octopod-redis-'))
  const port = await freePort()
  const start = () => startRedis({ dataDir, port, log: () => {} })
  let engine = await start()
  return {
    url: engine.url,
    stop: () => engine.stop(),
    start: async () => {
      engine = await start()
    },
    remove: async () => {
      await engine.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
