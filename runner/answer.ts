/**
 * Answers questions: config scripts (cached as contract §3 says), config_check and status. Called by worker.ts for
 * users who wait, and by config.ts for whatever needs the effective config.
 */
import { readCached, writeCached } from '../db/cache.ts'
import type { Answer, Question } from '../domain/job.ts'
import type { Pair } from '../domain/overrides.ts'
import { type ConfigScript, configArguments, lifecycleArguments } from '../domain/script.ts'
import { effectiveConfig, type Target } from './config.ts'
import { parseKeys, parsePairs } from './csv.ts'
import { ask, failureOfScript } from './run.ts'
import type { Workshop } from './workshop.ts'

/** Answers this runner has seen, and the scripts that are answering right now. */
export type Memory = {
  seen: Map<string, { at: number; answer: Answer }>
  asking: Map<string, Promise<Answer>>
}
export const createMemory = (): Memory => ({ seen: new Map(), asking: new Map() })

const maxSeen = 1000

export async function answerQuestion(workshop: Workshop, question: Question): Promise<Answer> {
  switch (question.ask) {
    case 'config':
      return configAnswer(workshop, question.script, question.deployment)
    case 'config_check':
      return checkConfig(workshop, question.target)
    case 'status':
      return checkStatus(workshop, question.target)
  }
}

/** `refused` with the script's words when it says no. */
export async function checkConfig(workshop: Workshop, target: Target, signal?: AbortSignal): Promise<Answer> {
  const config = await effectiveConfig(workshop, target)
  if (typeof config === 'string') return { is: 'failed', words: config }
  const asked = await ask(
    workshop,
    'config_check',
    lifecycleArguments(workshop.project, target.name, config),
    {
      ...(signal ? { signal } : {}),
    },
  )
  const { exitCode, problem, timedOut } = asked.result
  if (exitCode === 0 && problem === null) return { is: 'ok' }
  if (exitCode === null || problem !== null || timedOut) {
    return { is: 'failed', words: failureOfScript('config_check', asked) ?? '' }
  }
  const words = asked.stdout.trim() || asked.stderr.trim()
  return { is: 'refused', words: words || `The config was refused by config_check (exit code ${exitCode}).` }
}

async function checkStatus(workshop: Workshop, target: Target): Promise<Answer> {
  const config = await effectiveConfig(workshop, target)
  if (typeof config === 'string') return { is: 'failed', words: config }
  const asked = await ask(workshop, 'check', lifecycleArguments(workshop.project, target.name, config), {
    timeoutMs: workshop.settings.CHECK_TIMEOUT,
  })
  const { exitCode, problem } = asked.result
  if (problem !== null) return { is: 'failed', words: problem }
  return exitCode === 0 ? { is: 'ok' } : { is: 'refused', words: failureOfScript('check', asked) ?? '' }
}

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
  const asked = await ask(workshop, script, configArguments(script, project, deployment))
  const failure = failureOfScript(script, asked)
  if (failure !== null) return { is: 'failed', words: failure }
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

function remember({ seen }: Memory, key: string, at: number, answer: Answer): void {
  seen.delete(key)
  seen.set(key, { at, answer })
  const oldest = seen.keys().next()
  if (seen.size > maxSeen && !oldest.done) seen.delete(oldest.value)
}
