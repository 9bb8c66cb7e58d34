/** Findings about PostgreSQL and Redis. Called by judge.ts. */
import { type DoctorFacts, knownValue, type RedisState } from './facts.ts'
import { type Finding, toFinding } from './finding-codes.ts'

/** Every request asks PostgreSQL several times. */
const slowMs = 100
const oldestPostgres = 140_000
const oldestRedis = [6, 2] as const
const fullShare = 0.9
const maxShownNames = 5

export function* judgePostgres({ postgres, databaseRights, programs }: DoctorFacts): Generator<Finding> {
  if ('problem' in postgres)
    return yield toFinding('postgres_unreachable', `This server gets no answer: ${postgres.problem}.`)
  const { latencyMs, versionNumber, version, isReadOnly, isFull, maxConnections } = postgres.value
  if (isReadOnly) yield toFinding('postgres_read_only', 'It takes no changes.')
  if (isFull)
    yield toFinding('postgres_full', 'A change has failed in the last 30 seconds: its disk is full.')
  const missing = knownValue(databaseRights) ?? []
  if (missing.length > 0)
    yield toFinding('postgres_rights', `The role of DATABASE_URL may not use ${shorten(missing)}.`)
  if (versionNumber < oldestPostgres)
    yield toFinding('postgres_old', `Version ${version} is older than Octopod supports.`)
  if (latencyMs > slowMs) yield toFinding('postgres_slow', `It answers in ${Math.round(latencyMs)} ms.`)
  const wanted = (knownValue(programs) ?? []).reduce((sum, { connections }) => sum + connections, 0)
  if (wanted > maxConnections)
    yield toFinding(
      'postgres_connections',
      `Servers and runners may open ${wanted} connections together, and PostgreSQL allows ${maxConnections}.`,
    )
}

export function* judgeRedis({ redis }: DoctorFacts): Generator<Finding> {
  if ('problem' in redis)
    return yield toFinding('redis_unreachable', `This server gets no answer: ${redis.problem}.`)
  const state = redis.value
  if (state.refusal !== null) return yield toFinding('redis_unusable', state.refusal)
  if (state.isReplica) yield toFinding('redis_unusable', 'It is a replica, which takes no changes.')
  if (state.evictionPolicy !== null && state.evictionPolicy !== 'noeviction')
    yield toFinding(
      'redis_eviction',
      `It may remove keys that Octopod needs, and then actions start late: maxmemory-policy is ${state.evictionPolicy}.`,
    )
  if (state.missingRights.length > 0)
    yield toFinding(
      'redis_rights',
      `The user of REDIS_URL may not use ${shorten(state.missingRights)}, so Octopod works as without Redis.`,
    )
  if (isOld(state)) yield toFinding('redis_old', `Version ${state.version} is older than Octopod supports.`)
  if (state.latencyMs > slowMs)
    yield toFinding('redis_slow', `It answers in ${Math.round(state.latencyMs)} ms.`)
  const { usedBytes, maxBytes } = state
  if (usedBytes !== null && maxBytes !== null && usedBytes > maxBytes * fullShare)
    yield toFinding('redis_memory', `${Math.round((usedBytes / maxBytes) * 100)} % of maxmemory is used.`)
}

function isOld({ version }: RedisState): boolean {
  if (version === '') return false
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < oldestRedis[0] || (major === oldestRedis[0] && minor < oldestRedis[1])
}

export function shorten(names: readonly string[]): string {
  const more = names.length - maxShownNames
  return `${names.slice(0, maxShownNames).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
