/**
 * Handlers for defaults and keys, which come from the config scripts. The answers are cached in Redis (contract §3).
 */
import { findDeploymentOverrides, readDeploymentOwner } from '../../db/queries/deployments.ts'
import { readScriptCache } from '../../db/redis/script-cache.ts'
import { decide } from '../../domain/access/roles.ts'
import type { EndpointName } from '../../domain/api-schema.ts'
import { ApiError } from '../../domain/errors.ts'
import type { KeyValue } from '../../domain/overrides.ts'
import type { ScriptAnswer } from '../../domain/queue-messages.ts'
import type { ConfigScript } from '../../domain/script.ts'
import type { EndpointHandler, EndpointRequest } from '../http/endpoint-handler.ts'
import { type Asker, queryScripts } from '../http/query-scripts.ts'
import { hideValues } from '../secrets/hide-secrets.ts'
import { type RestoredConfig, restoreDeploymentConfig } from '../secrets/restore-secrets.ts'
import type { Services } from '../services.ts'

export const getDeploymentConfig: EndpointHandler<'getDeploymentConfig'> = (services, request) =>
  configPairs(services, request, 'deployment_config', [])

export const getDeploymentKeys: EndpointHandler<'getDeploymentKeys'> = (services, request) =>
  configKeys(services, request, 'deployment_config_keys', [])

export const getApplicationConfig: EndpointHandler<'getApplicationConfig'> = (services, request) =>
  configPairs(services, request, 'application_config', request.body)

export const getApplicationKeys: EndpointHandler<'getApplicationKeys'> = (services, request) =>
  configKeys(services, request, 'application_config_keys', request.body)

type Request = Asker & Pick<EndpointRequest<EndpointName>, 'identity'>

async function configPairs(
  services: Services,
  request: Request,
  script: ConfigScript,
  sent: readonly KeyValue[],
): Promise<KeyValue[]> {
  const { pairs, restored } = await restoreConfig(services, request, sent)
  const answer = await readConfigScript(services, request, script, pairs, restored)
  if (answer.status !== 'pairs') return []
  const seesSecrets = decide(request.identity.permissions, 'see_secrets').isAllowed
  if (seesSecrets && restored.length === 0) return answer.pairs
  const level = script === 'deployment_config' ? 'deployment' : 'application'
  return services.secrets.hider.defaults(level, answer.pairs, restored)
}

async function configKeys(
  services: Services,
  request: Request,
  script: ConfigScript,
  sent: readonly KeyValue[],
): Promise<string[]> {
  const { pairs, restored } = await restoreConfig(services, request, sent)
  const answer = await readConfigScript(services, request, script, pairs, restored)
  return answer.status === 'keys' ? answer.keys : []
}

/**
 * The config of a query with values in the place of references. Whoever may not update the deployment gets none of its values into a
 * script: the answer would tell whether a guess is the value.
 */
async function restoreConfig(
  services: Services,
  request: Request,
  sent: readonly KeyValue[],
): Promise<RestoredConfig> {
  const { permissions } = request.identity
  const seesSecrets = decide(permissions, 'see_secrets').isAllowed
  const mayRestore = async (name: string | null) => {
    if (name === null) return decide(permissions, 'update').isAllowed
    const owner = await readDeploymentOwner(services.db, name)
    return decide(permissions, 'update', owner === undefined ? { name } : { name, owner }).isAllowed
  }
  const readStored = (name: string) => findDeploymentOverrides(services.db, name)
  const readDefaults = async () => {
    const answer = await readConfigScript(services, request, 'deployment_config', [], [])
    return answer.status === 'pairs' ? answer.pairs : []
  }
  const { references } = services.secrets
  return restoreDeploymentConfig(references, sent, { mayRestore, readStored, readDefaults }, seesSecrets)
}

/** `restored`: values of the config that the caller may not see. A cached answer older than CACHE_UPDATE_TIME is served once more, and renewed in the background. */
async function readConfigScript(
  services: Services,
  asker: Asker,
  script: ConfigScript,
  deployment: KeyValue[],
  restored: readonly string[],
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
  if (answer.status === 'failed') throw new ApiError('script_failed', hideValues(answer.message, restored))
  return answer
}
