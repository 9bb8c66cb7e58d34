/**
 * Answers of the four config scripts, cached as contract §3 says: fresh, then served while renewed, then dropped. Called by
 * script-query-handler.ts for users who wait and by config.ts for whatever needs the effective config.
 */
import { readScriptCache, writeScriptCache } from '../../db/redis/script-cache.ts'
import type { KeyValue } from '../../domain/overrides.ts'
import type { ScriptAnswer } from '../../domain/queue-messages.ts'
import { type ConfigScript, configArguments } from '../../domain/script.ts'
import type { RunnerContext } from '../context.ts'
import { cacheAnswer } from './config-cache.ts'
import { parseKeys, parsePairs } from './csv.ts'
import { runScript } from './run-script.ts'

/** Fresh from memory or Redis; an older one is served while it is renewed; otherwise the script is run. */
export async function getConfigScriptAnswer(
  context: RunnerContext,
  script: ConfigScript,
  deployment: readonly KeyValue[],
): Promise<ScriptAnswer> {
  const { settings, configCache, redis, log } = context
  const key = JSON.stringify([script, deployment])
  const entry = configCache.entries.get(key)
  if (entry && Date.now() - entry.fetchedAtMs < settings.CACHE_UPDATE_TIME) return entry.answer

  const cached = await readScriptCache(redis, settings.REDIS_PREFIX, script, deployment)
  if (cached !== null && cached.ageMs < settings.CACHE_INVALIDATION_TIME) {
    cacheAnswer(configCache, key, Date.now() - cached.ageMs, cached.answer)
    if (cached.ageMs >= settings.CACHE_UPDATE_TIME) {
      runConfigScriptOnce(context, key, script, deployment).catch((error) =>
        log.error({ err: error, script }, 'a cached answer was not renewed'),
      )
    }
    return cached.answer
  }
  if (entry && Date.now() - entry.fetchedAtMs < settings.CACHE_INVALIDATION_TIME) {
    runConfigScriptOnce(context, key, script, deployment).catch((error) =>
      log.error({ err: error, script }, 'a cached answer was not renewed'),
    )
    return entry.answer
  }
  return runConfigScriptOnce(context, key, script, deployment)
}

/** The same question asked twice at once runs the script once. */
function runConfigScriptOnce(
  context: RunnerContext,
  key: string,
  script: ConfigScript,
  deployment: readonly KeyValue[],
): Promise<ScriptAnswer> {
  const existing = context.configCache.inFlight.get(key)
  if (existing) return existing
  const pending = runConfigScript(context, key, script, deployment).finally(() =>
    context.configCache.inFlight.delete(key),
  )
  context.configCache.inFlight.set(key, pending)
  return pending
}

async function runConfigScript(
  context: RunnerContext,
  key: string,
  script: ConfigScript,
  deployment: readonly KeyValue[],
): Promise<ScriptAnswer> {
  const { settings, configCache, redis, project } = context
  const options = { timeoutMs: settings.CHECK_TIMEOUT }
  const args = configArguments(script, project, deployment)
  const run = await runScript(context, script, args, options, { application: [], deployment })
  if (run.failure !== null) return { status: 'failed', message: run.failure }
  const answer = parseAnswer(script, run.stdout)
  if (answer.status === 'failed') return answer
  cacheAnswer(configCache, key, Date.now(), answer)
  await writeScriptCache(
    redis,
    settings.REDIS_PREFIX,
    script,
    deployment,
    answer,
    settings.CACHE_INVALIDATION_TIME,
  )
  return answer
}

function parseAnswer(script: ConfigScript, stdout: string): ScriptAnswer {
  try {
    return script.endsWith('_keys')
      ? { status: 'keys', keys: parseKeys(stdout) }
      : { status: 'pairs', pairs: parsePairs(stdout) }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return {
      status: 'failed',
      message: `The ${script} script printed something that cannot be read: ${message}`,
    }
  }
}
