/** A Redis of one test, which the test may stop and start. The Redis of all tests must keep running. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRedis } from '../../infra/dev/redis/redis.ts'
import { freePort } from '../../lib/node/ports.ts'

export type DedicatedRedis = {
  url: string
  stop(): Promise<void>
  /** Starts it again at the same address with the same data. */
  start(): Promise<void>
  /** Stops it and removes its data. */
  remove(): Promise<void>
}

export async function startDedicatedRedis(): Promise<DedicatedRedis> {
  const dataDir = await mkdtemp(join(tmpdir(), 'octopod-redis-'))
  const port = await freePort()
  const start = () => startRedis({ dataDir, port, log: () => {} })
  let redis = await start()
  return {
    url: redis.url,
    stop: () => redis.stop(),
    start: async () => {
      redis = await start()
    },
    remove: async () => {
      await redis.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
