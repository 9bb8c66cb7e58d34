/** Defaults and keys from the config scripts, cached as contract §3 says. */
import { readCached } from '../../db/cache.ts'
import { Refusal } from '../../domain/errors.ts'
import type { Answer } from '../../domain/job.ts'
import type { Pair } from '../../domain/overrides.ts'
import type { ConfigScript } from '../../domain/script.ts'
import { askScripts } from '../ask.ts'
import type { Patience } from '../patience.ts'
import type { Answerer } from '../route.ts'
import type { Services } from '../services.ts'

export const getDeploymentConfig: Answerer<'getDeploymentConfig'> = (services, { asking }) =>
  configPairs(services, asking, 'deployment_config', [])

export const getDeploymentKeys: Answerer<'getDeploymentKeys'> = (services, { asking }) =>
  configKeys(services, asking, 'deployment_config_keys', [])

export const getApplicationConfig: Answerer<'getApplicationConfig'> = (services, { body, asking }) =>
  configPairs(services, asking, 'application_config', body)

export const getApplicationKeys: Answerer<'getApplicationKeys'> = (services, { body, asking }) =>
  configKeys(services, asking, 'application_config_keys', body)

async function configPairs(...asked: Parameters<typeof configAnswer>): Promise<Pair[]> {
  const answer = await configAnswer(...asked)
  return answer.is === 'pairs' ? answer.pairs : []
}

async function configKeys(...asked: Parameters<typeof configAnswer>): Promise<string[]> {
  const answer = await configAnswer(...asked)
  return answer.is === 'keys' ? answer.keys : []
}

async function configAnswer(
  services: Services,
  asking: Patience['asking'],
  script: ConfigScript,
  deployment: Pair[],
): Promise<Answer> {
  const { redis, settings, log } = services
  const question = { ask: 'config', script, deployment } as const
  const cached = await readCached(redis, settings.REDIS_PREFIX, script, deployment)
  if (cached !== null) {
    if (cached.ageMs > settings.CACHE_UPDATE_TIME) {
      // Served as it is, renewed behind the user's back.
      askScripts(services, question).catch((error) =>
        log.warn({ err: error, script }, 'a cached answer was not renewed'),
      )
    }
    return cached.answer
  }
  const answer = await asking(() => askScripts(services, question))
  if (answer === 'away')
    throw new Refusal('stores_away', 'Redis is not reachable: the config scripts cannot be asked.')
  if (answer.is === 'failed') throw new Refusal('script_failed', answer.words)
  return answer
}
