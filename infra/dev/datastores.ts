/**
 * Starts the embedded PostgreSQL and Redis of `npm start`. DATABASE_URL or REDIS_URL replaces the embedded one. Called
 * by start-all.ts.
 */
import { type DataDir, datastorePort } from './data-dir.ts'
import { openLog } from './log-file.ts'
import { type Datastore, ensureDatabase, startPostgres } from './postgres/postgres.ts'
import type { ProcessManager } from './process/process-manager.ts'
import { startRedis } from './redis/redis.ts'

/** Not the usual ports, because another installation may use those. */
const preferredPorts = { postgres: 25432, redis: 26379 }

/** Resolves with both addresses when both accept connections. @throws UserError */
export async function startDatastores(
  dataDir: DataDir,
  processManager: ProcessManager,
  userEnvironment: NodeJS.ProcessEnv,
  print: (line: string) => void,
): Promise<{ databaseUrl: string; redisUrl: string }> {
  const startEmbedded = async (
    name: keyof typeof preferredPorts,
    title: string,
    start: (options: StartOptions) => Promise<Datastore>,
  ) => {
    const port = await datastorePort(dataDir, name, preferredPorts[name])
    const log = openLog(dataDir.file(`logs/${name}.log`), print)
    let url = ''
    await processManager.start(title, async (onSpawn) => {
      const datastore = await start({ dataDir: dataDir.file(name), port, log, print, onSpawn })
      url = datastore.url
      return datastore.program
    })
    return url
  }
  const [databaseUrl, redisUrl] = await Promise.all([
    userEnvironment.DATABASE_URL ||
      startEmbedded('postgres', 'PostgreSQL', startPostgres).then((url) => ensureDatabase(url, 'octopod')),
    userEnvironment.REDIS_URL || startEmbedded('redis', 'Redis', startRedis),
  ])
  return { databaseUrl, redisUrl }
}

type StartOptions = Parameters<typeof startRedis>[0]
