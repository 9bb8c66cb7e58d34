/**
 * The answers of the four config scripts, cached in memory and in Redis. An answer is fresh for CACHE_UPDATE_TIME.
 * Until CACHE_INVALIDATION_TIME it is still served while the script runs in the background. Called by
 * script-query-handler.ts and effective-config.ts.
 */
import { readScriptCache, writeScriptCache } from '../../db/redis/script-cache.ts'
import { type Failure, failureText } from '../../domain/failures/failure.ts'
import type { KeyValue } from '../../domain/overrides.ts'
import type { ScriptAnswer } from '../../domain/queue-messages.ts'
import { type ConfigScript, configInput, receivesConfig } from '../../domain/script.ts'
import type { RunnerContext } from '../context.ts'
import { configCacheKey } from './config-cache.ts'
import { parseKeys, parseMarkedKeys, parsePairs } from './csv.ts'
import { hashConfig, recordScriptResult } from './record-failure.ts'
import { runScript, type ScriptRun, unreadableOutput } from './run-script.ts'

/** `deployment`: the deployment config, which the two scripts of the application level receive. */
export async function getConfigScriptAnswer(
  context: RunnerContext,
  script: ConfigScript,
  deployment: readonly KeyValue[],
): Promise<ScriptAnswer> {
  const { settings, configCache, redis } = context
  const call: ConfigScriptCall = { key: configCacheKey(script, deployment), script, deployment }

  // First: the memory of this runner, if fresh.
  const entry = configCache.get(call.key)
  const ageMs = entry ? Date.now() - entry.fetchedAtMs : Number.POSITIVE_INFINITY
  if (entry && ageMs < settings.CACHE_UPDATE_TIME) return entry.answer

  // Then: Redis, where another runner may have stored a newer answer, and an older one from memory.
  const cached = await readScriptCache(redis, settings.REDIS_PREFIX, script, deployment)
  if (cached !== null && cached.ageMs < settings.CACHE_INVALIDATION_TIME) {
    configCache.set(call.key, { answer: cached.answer, fetchedAtMs: Date.now() - cached.ageMs })
    if (cached.ageMs >= settings.CACHE_UPDATE_TIME) refreshInBackground(context, call)
    return cached.answer
  }
  if (entry && Date.now() - entry.fetchedAtMs < settings.CACHE_INVALIDATION_TIME) {
    refreshInBackground(context, call)
    return entry.answer
  }

  // Finally: the script itself.
  return runConfigScriptOnce(context, call)
}

/** `key`: the key of the call in the cache. */
type ConfigScriptCall = { key: string; script: ConfigScript; deployment: readonly KeyValue[] }

function refreshInBackground(context: RunnerContext, call: ConfigScriptCall): void {
  runConfigScriptOnce(context, call).catch((error) =>
    context.logFailure(error, 'refreshing a cached script answer failed', { script: call.script }),
  )
}

/** Concurrent calls with the same arguments run the script once. */
function runConfigScriptOnce(context: RunnerContext, call: ConfigScriptCall): Promise<ScriptAnswer> {
  const { inFlight } = context.configCache
  const existing = inFlight.get(call.key)
  if (existing) return existing
  const pending = runConfigScript(context, call).finally(() => inFlight.delete(call.key))
  inFlight.set(call.key, pending)
  return pending
}

async function runConfigScript(
  context: RunnerContext,
  { key, script, deployment }: ConfigScriptCall,
): Promise<ScriptAnswer> {
  const { settings, scripts, configCache, redis, project } = context
  const options = { timeoutMs: settings.CHECK_TIMEOUT }
  const input = configInput(scripts.manifest, script, project, deployment)
  const run = await runScript(context, script, input, options, { application: [], deployment })
  const answer = run.failure === null ? await parseAnswer(context, script, run) : failedAnswer(run.failure)
  // Not awaited: a user may wait for the answer.
  if (!run.result.interrupted) void recordResult(context, { key, script, deployment }, answer)
  if (answer.status === 'failed') return answer
  configCache.set(key, { answer, fetchedAtMs: Date.now() })
  const ttlMs = settings.CACHE_INVALIDATION_TIME
  await writeScriptCache(redis, settings.REDIS_PREFIX, script, deployment, answer, ttlMs)
  return answer
}

async function parseAnswer(
  { scripts, secretKeys }: RunnerContext,
  script: ConfigScript,
  { stdout, mask }: ScriptRun,
): Promise<ScriptAnswer> {
  try {
    if (!script.endsWith('_keys')) return { status: 'pairs', pairs: parsePairs(stdout) }
    if (!scripts.manifest.marksSecretKeys) return { status: 'keys', keys: parseKeys(stdout) }
    const marked = parseMarkedKeys(stdout)
    await secretKeys.add(marked.secretKeys)
    return { status: 'keys', keys: marked.keys }
  } catch (error) {
    return failedAnswer(unreadableOutput(script, mask, error))
  }
}

const failedAnswer = (failure: Failure): ScriptAnswer => ({
  status: 'failed',
  message: failureText(failure),
  failure,
})

const recordIntervalMs = 60_000

/** The same failure is recorded once a minute, because a failing script runs for every check. */
async function recordResult(
  context: RunnerContext,
  { key, script, deployment }: ConfigScriptCall,
  answer: ScriptAnswer,
): Promise<void> {
  const { recordedFailures } = context.configCache
  const failure = answer.status === 'failed' ? (answer.failure ?? null) : null
  if (failure === null) recordedFailures.delete(key)
  else if (Date.now() - (recordedFailures.get(key) ?? 0) < recordIntervalMs) return
  else recordedFailures.set(key, Date.now())
  if (recordedFailures.size > maxRecordedFailures) recordedFailures.clear()
  const configHash = receivesConfig(script) ? hashConfig(deployment) : null
  const ofConfig: Failure | null = failure === null ? null : { ...failure, what: 'config_script' }
  await recordScriptResult(context, { configHash }, script, ofConfig)
}

const maxRecordedFailures = 1000
