/**
 * Finds out at the start, and after each reconnect, what does not fit: the kind of server, its memory policy, the rights of
 * the user. Called by server and runner, and by the doctor.
 */
import type { Redis } from 'ioredis'
import { waitUntilReady } from './connections.ts'
import { UnusableRedis } from './unusable-redis.ts'

/** `refusal`: Octopod cannot work with this Redis. `warnings`: it works, but worse. */
export type RedisFindings = { refusal: string | null; warnings: string[] }

const startTimeoutMs = 2000

/**
 * Waits shortly for Redis. Logs warnings, each once, also those of a Redis that becomes reachable later. Throws
 * UnusableRedis when it is reachable and cannot be used.
 */
export async function checkRedis(
  redis: Redis,
  prefix: string,
  warn: (message: string) => void,
): Promise<void> {
  const warned = new Set<string>()
  const check = async (): Promise<string | null> => {
    const { refusal, warnings } = await inspectRedis(redis, prefix)
    for (const message of warnings) if (!warned.has(message)) warn(message)
    for (const message of warnings) warned.add(message)
    return refusal
  }
  const isReady = await waitUntilReady(redis, startTimeoutMs)
  const refusal = isReady ? await check().catch(() => null) : null
  if (refusal !== null) throw new UnusableRedis(refusal)
  redis.on('ready', () => {
    check().then(
      (late) => {
        if (late !== null) warn(late)
      },
      // The next reconnect tries again.
      () => {},
    )
  })
}

/** Rejects when Redis becomes unreachable. */
export async function inspectRedis(redis: Redis, prefix: string): Promise<RedisFindings> {
  const { info, refusal, missingRights } = await readRedis(redis, prefix)
  if (refusal !== null) return { refusal, warnings: [] }
  return { refusal: null, warnings: [...describeServer(info), ...describeRights(missingRights)] }
}

/** What the doctor wants to know. Rejects when Redis becomes unreachable. */
export async function readRedisState(redis: Redis, prefix: string) {
  const { info, refusal, missingRights } = await readRedis(redis, prefix)
  return {
    version: info.redis_version ?? '',
    evictionPolicy: info.maxmemory_policy ?? null,
    isReplica: info.role === 'slave',
    usedBytes: Number(info.used_memory) || null,
    maxBytes: Number(info.maxmemory) || null,
    refusal,
    missingRights,
  }
}

async function readRedis(redis: Redis, prefix: string) {
  const info = parseInfo(await redis.info().catch(ignoreRefusal))
  const refusal = refuseServer(info)
  return { info, refusal, missingRights: refusal === null ? await findMissingRights(redis, prefix) : [] }
}

/** NOPERM is a finding, and everything else is a reason to try again later. */
function ignoreRefusal(error: unknown): string {
  if (error instanceof Error && error.message.startsWith('NOPERM')) return ''
  throw error
}

type Info = Partial<Record<string, string>>
const parseInfo = (text: string): Info =>
  Object.fromEntries(text.split(/\r?\n/).map((line) => line.split(':', 2) as [string, string]))

function refuseServer({ redis_mode: mode }: Info): string | null {
  if (mode === 'cluster')
    return 'REDIS_URL leads to a Redis Cluster, which Octopod cannot use: name a Redis without cluster mode; Octopod needs no more than one.'
  if (mode === 'sentinel')
    return 'REDIS_URL leads to a Sentinel and not to Redis: write redis-sentinel:// instead of redis://.'
  return null
}

function* describeServer(info: Info): Generator<string> {
  const policy = info.maxmemory_policy
  if (policy !== undefined && policy !== 'noeviction')
    yield `Redis may remove keys that Octopod needs, and then actions start late: set its maxmemory-policy to noeviction, now ${policy}.`
  if (info.role === 'slave')
    yield 'REDIS_URL leads to a replica, which takes no changes: name the primary, or the Sentinels with redis-sentinel://.'
}

function* describeRights(missing: readonly string[]): Generator<string> {
  if (missing.length > 0)
    yield `The user of REDIS_URL may not use ${missing.join(', ')}, and Octopod works as without Redis: give it the rights in docs/install.md.`
}

/** One command of each kind that Octopod or BullMQ uses. */
const probes = (key: string, channel: string): string[][] => [
  ...[
    ['info'],
    ['time'],
    ['client', 'list'],
    ['pubsub', 'numsub', channel],
    ['publish', channel, ''],
    ['scan', '0'],
  ],
  ...[
    ['eval', 'return 0', '1', key],
    ['evalsha', '0'.repeat(40), '1', key],
  ],
  ...[
    ['get', key],
    ['set', key, ''],
    ['unlink', key],
    ['exists', key],
    ['incr', key],
    ['pexpire', key, '1'],
  ],
  ...[
    ['hvals', key],
    ['hset', key, '', ''],
    ['lrange', key, '0', '0'],
    ['lpush', key, ''],
    ['rpoplpush', key, key],
  ],
  ...[
    ['zadd', key, '0', ''],
    ['zrange', key, '0', '0'],
    ['bzpopmin', key, '1'],
    ['sadd', key, ''],
  ],
  ...[
    ['xadd', key, '*', '', ''],
    ['xrange', key, '-', '+'],
  ],
]

/** Redis checks the rights when a command joins a transaction. The transaction is discarded, so nothing runs. */
async function findMissingRights(redis: Redis, prefix: string): Promise<string[]> {
  const commands = probes(`${prefix}:probe`, `${prefix}:probe`)
  const pipeline = redis.pipeline()
  for (const [name = '', ...args] of [['multi'], ...commands, ['discard']]) pipeline.call(name, ...args)
  const answers = (await pipeline.exec()) ?? []
  if (answers[0]?.[0]) return answers[0][0].message.startsWith('NOPERM') ? ['multi'] : []
  return commands
    .filter((_, index) => answers[index + 1]?.[0]?.message.startsWith('NOPERM'))
    .map(([name = '', sub]) => (name === 'client' || name === 'pubsub' ? `${name}|${sub}` : name))
}
