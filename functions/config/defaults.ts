/** Defaults and keys from the config scripts, cached as contract §3 says. */
import { readScriptCache } from '../../db/redis/script-cache.ts'
import { ApiError } from '../../domain/errors.ts'
import type { KeyValue } from '../../domain/overrides.ts'
import type { ScriptAnswer } from '../../domain/queue-messages.ts'
import type { ConfigScript } from '../../domain/script.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { queryScripts } from '../http/query-scripts.ts'
import type { RequestDeadline } from '../http/request-deadline.ts'
import type { Services } from '../services.ts'

export const getDeploymentConfig: EndpointHandler<'getDeploymentConfig'> = (services, { duringScriptCall }) =>
  configPairs(services, duringScriptCall, 'deployment_config', [])

export const getDeploymentKeys: EndpointHandler<'getDeploymentKeys'> = (services, { duringScriptCall }) =>
  configKeys(services, duringScriptCall, 'deployment_config_keys', [])

export const getApplicationConfig: EndpointHandler<'getApplicationConfig'> = (
  services,
  { body, duringScriptCall },
) => configPairs(services, duringScriptCall, 'application_config', body)

export const getApplicationKeys: EndpointHandler<'getApplicationKeys'> = (
  services,
  { body, duringScriptCall },
) => configKeys(services, duringScriptCall, 'application_config_keys', body)

async function configPairs(...args: Parameters<typeof runConfigScript>): Promise<KeyValue[]> {
  const answer = await runConfigScript(...args)
  return answer.is === 'pairs' ? answer.pairs : []
}

async function configKeys(...args: Parameters<typeof runConfigScript>): Promise<string[]> {
  const answer = await runConfigScript(...args)
  return answer.is === 'keys' ? answer.keys : []
}

async function runConfigScript(
  services: Services,
  asking: RequestDeadline['duringScriptCall'],
  script: ConfigScript,
  deployment: KeyValue[],
): Promise<ScriptAnswer> {
  const { redis, settings, log } = services
  const query = { ask: 'config', script, deployment } as const
  const cached = await readScriptCache(redis, settings.REDIS_PREFIX, script, deployment)
  if (cached !== null) {
    if (cached.ageMs > settings.CACHE_UPDATE_TIME) {
      // Served as it is, renewed behind the user's back.
      queryScripts(services, query).catch((error) =>
        log.warn({ err: error, script }, 'a cached answer was not renewed'),
      )
    }
    return cached.answer
  }
  const answer = await asking(() => queryScripts(services, query))
  if (answer === 'away')
    throw new ApiError('stores_away', 'Redis is not reachable: the config scripts cannot be asked.')
  if (answer.is === 'failed') throw new ApiError('script_failed', answer.message)
  return answer
}
