/**
 * Handlers for defaults and keys, which come from the config scripts. The answers are cached in Redis (contract §3).
 */
import { readScriptCache } from '../../db/redis/script-cache.ts'
import { ApiError } from '../../domain/errors.ts'
import type { KeyValue } from '../../domain/overrides.ts'
import type { ScriptAnswer } from '../../domain/queue-messages.ts'
import type { ConfigScript } from '../../domain/script.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { type Asker, queryScripts } from '../http/query-scripts.ts'
import type { Services } from '../services.ts'

export const getDeploymentConfig: EndpointHandler<'getDeploymentConfig'> = (services, request) =>
  configPairs(services, request, 'deployment_config', [])

export const getDeploymentKeys: EndpointHandler<'getDeploymentKeys'> = (services, request) =>
  configKeys(services, request, 'deployment_config_keys', [])

export const getApplicationConfig: EndpointHandler<'getApplicationConfig'> = (services, request) =>
  configPairs(services, request, 'application_config', request.body)

export const getApplicationKeys: EndpointHandler<'getApplicationKeys'> = (services, request) =>
  configKeys(services, request, 'application_config_keys', request.body)

async function configPairs(...args: Parameters<typeof readConfigScript>): Promise<KeyValue[]> {
  const answer = await readConfigScript(...args)
  return answer.status === 'pairs' ? answer.pairs : []
}

async function configKeys(...args: Parameters<typeof readConfigScript>): Promise<string[]> {
  const answer = await readConfigScript(...args)
  return answer.status === 'keys' ? answer.keys : []
}

/** A cached answer older than CACHE_UPDATE_TIME is served once more, and renewed in the background. */
async function readConfigScript(
  services: Services,
  asker: Asker,
  script: ConfigScript,
  deployment: KeyValue[],
): Promise<ScriptAnswer> {
  const { redis, settings, log } = services
  const query = { type: 'config', script, deployment } as const
  const cached = await readScriptCache(redis, settings.REDIS_PREFIX, script, deployment)
  if (cached !== null) {
    if (cached.ageMs > settings.CACHE_UPDATE_TIME) {
      queryScripts(services, query).catch((error) =>
        log.warn({ err: error, script }, 'cached script answer not renewed'),
      )
    }
    return cached.answer
  }
  const answer = await queryScripts(services, query, asker)
  if (answer === 'unreachable')
    throw new ApiError('service_unavailable', 'Redis is not reachable: the config scripts cannot be run.')
  if (answer.status === 'failed') throw new ApiError('script_failed', answer.message)
  return answer
}
