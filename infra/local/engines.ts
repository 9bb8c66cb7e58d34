/** The engines of `npm start`: those the user does not bring by DATABASE_URL and REDIS_URL. */
import type { Crew } from './crew.ts'
import { enginePort, type Home } from './home.ts'
import { openLog } from './log-file.ts'
import { ensureDatabase, startPostgres } from './postgres.ts'
import { startRedis } from './redis.ts'

/** Each engine has a port of its own beside the usual one, which another installation may have. */
const preferredPorts = { postgres: 25432, redis: 26379 }

/** Both run when this returns their addresses. @throws Problem */
export async function startEngines(
  home: Home,
  crew: Crew,
  user: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<{ databaseUrl: string; redisUrl: string }> {
  const [databaseUrl, redisUrl] = await Promise.all([
    user.DATABASE_URL || embeddedPostgres(home, crew, say),
    user.REDIS_URL || embeddedRedis(home, crew, say),
  ])
  return { databaseUrl, redisUrl }
}

async function embeddedPostgres(home: Home, crew: Crew, say: (line: string) => void): Promise<string> {
  const port = await enginePort(home, 'postgres', preferredPorts.postgres)
  const log = openLog(home.file('logs/postgres.log'), say)
  let url = ''
  await crew.up('PostgreSQL', async (onSpawn) => {
    const engine = await startPostgres({ dataDir: home.file('postgres'), port, log, onSpawn })
    url = engine.url
    return engine.child
  })
  return ensureDatabase(url, 'octopod')
}

async function embeddedRedis(home: Home, crew: Crew, say: (line: string) => void): Promise<string> {
  const port = await enginePort(home, 'redis', preferredPorts.redis)
  const log = openLog(home.file('logs/redis.log'), say)
  let url = ''
  await crew.up('Redis', async (onSpawn) => {
    const engine = await startRedis({ dataDir: home.file('redis'), port, log, say, onSpawn })
    url = engine.url
    return engine.child
  })
  return url
}
