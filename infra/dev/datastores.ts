/**
 * Starts the embedded PostgreSQL and Redis of `npm start`. DATABASE_URL or REDIS_URL replaces the embedded one. Called
 * by start-all.ts.
 */
import { type DataDir, datastorePort } from './data-dir.ts'
import { openLog } from './log-file.ts'
import { ensureDatabase, startPostgres } from './postgres/postgres.ts'
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
  const [databaseUrl, redisUrl] = await Promise.all([
    userEnvironment.DATABASE_URL || startEmbeddedPostgres(dataDir, processManager, print),
    userEnvironment.REDIS_URL || startEmbeddedRedis(dataDir, processManager, print),
  ])
  return { databaseUrl, redisUrl }
}

async function startEmbeddedPostgres(
  dataDir: DataDir,
  processManager: ProcessManager,
  print: (line: string) => void,
): Promise<string> {
  const port = await datastorePort(dataDir, 'postgres', preferredPorts.postgres)
  const log = openLog(dataDir.file('logs/postgres.log'), print)
  let url = ''
  await processManager.start('PostgreSQL', async (onSpawn) => {
    const datastore = await startPostgres({ dataDir: dataDir.file('postgres'), port, log, onSpawn })
    url = datastore.url
    return datastore.program
  })
  return ensureDatabase(url, 'octopod')
}

async function startEmbeddedRedis(
  dataDir: DataDir,
  processManager: ProcessManager,
  print: (line: string) => void,
): Promise<string> {
  const port = await datastorePort(dataDir, 'redis', preferredPorts.redis)
  const log = openLog(dataDir.file('logs/redis.log'), print)
  let url = ''
  await processManager.start('Redis', async (onSpawn) => {
    const datastore = await startRedis({ dataDir: dataDir.file('redis'), port, log, print, onSpawn })
    url = datastore.url
    return datastore.program
  })
  return url
}
