/**
 * Answers of the four config scripts, cached as contract §3 says: fresh, then served while renewed, then dropped. Called by
 * answer.ts for users who wait and by config.ts for whatever needs the effective config.
 */
import { readCached, writeCached } from '../db/cache.ts'
import type { Answer } from '../domain/job.ts'
import type { Pair } from '../domain/overrides.ts'
import { type ConfigScript, configArguments } from '../domain/script.ts'
import { parseKeys, parsePairs } from './csv.ts'
import { remember } from './memory.ts'
import { ask } from './run.ts'
import type { Workshop } from './workshop.ts'

/** Fresh from memory or Redis; an older one is served while it is renewed; otherwise the script is run. */
export async function configAnswer(
  workshop: Workshop,
  script: ConfigScript,
  deployment: readonly Pair[],
): Promise<Answer> {
  const { settings, memory, redis, log } = workshop
  const key = JSON.stringify([script, deployment])
  const seen = memory.seen.get(key)
  if (seen && Date.now() - seen.at < settings.CACHE_UPDATE_TIME) return seen.answer

  const cached = await readCached(redis, settings.REDIS_PREFIX, script, deployment)
  if (cached !== null && cached.ageMs < settings.CACHE_INVALIDATION_TIME) {
    remember(memory, key, Date.now() - cached.ageMs, cached.answer)
    if (cached.ageMs >= settings.CACHE_UPDATE_TIME) {
      askConfig(workshop, key, script, deployment).catch((error) =>
        log.error({ err: error, script }, 'a cached answer was not renewed'),
      )
    }
    return cached.answer
  }
  if (seen && Date.now() - seen.at < settings.CACHE_INVALIDATION_TIME) {
    askConfig(workshop, key, script, deployment).catch((error) =>
      log.error({ err: error, script }, 'a cached answer was not renewed'),
    )
    return seen.answer
  }
  return askConfig(workshop, key, script, deployment)
}

/** The same question asked twice at once runs the script once. */
function askConfig(
  workshop: Workshop,
  key: string,
  script: ConfigScript,
  deployment: readonly Pair[],
): Promise<Answer> {
  const running = workshop.memory.asking.get(key)
  if (running) return running
  const asking = runConfig(workshop, key, script, deployment).finally(() =>
    workshop.memory.asking.delete(key),
  )
  workshop.memory.asking.set(key, asking)
  return asking
}

async function runConfig(
  workshop: Workshop,
  key: string,
  script: ConfigScript,
  deployment: readonly Pair[],
): Promise<Answer> {
  const { settings, memory, redis, project } = workshop
  const limits = { timeoutMs: settings.CHECK_TIMEOUT }
  const args = configArguments(script, project, deployment)
  const asked = await ask(workshop, script, args, limits, { application: [], deployment })
  if (asked.failure !== null) return { is: 'failed', words: asked.failure }
  const answer = read(script, asked.stdout)
  if (answer.is === 'failed') return answer
  remember(memory, key, Date.now(), answer)
  await writeCached(
    redis,
    settings.REDIS_PREFIX,
    script,
    deployment,
    answer,
    settings.CACHE_INVALIDATION_TIME,
  )
  return answer
}

function read(script: ConfigScript, stdout: string): Answer {
  try {
    return script.endsWith('_keys')
      ? { is: 'keys', keys: parseKeys(stdout) }
      : { is: 'pairs', pairs: parsePairs(stdout) }
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    return { is: 'failed', words: `The ${script} script printed something that cannot be read: ${words}` }
  }
}
