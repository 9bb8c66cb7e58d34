/** Handlers that read deployments: the list, one deployment, its info and its current status. */
import { readInfo } from '../../db/queries/actions.ts'
import { getDeploymentOverrides, requireFullInfo } from '../../db/queries/deployments.ts'
import { ApiError } from '../../domain/errors.ts'
import { canReadOutput } from '../auth/credentials.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { jsonElements, streamJson } from '../http/json-stream.ts'
import { queryScripts } from '../http/query-scripts.ts'
import type { CachedBody } from './list-cache.ts'

export const listDeployments: EndpointHandler<'listDeployments'> = async ({ listCache }, { header }) =>
  respondUnlessKnown(await listCache.current(), header)

export const listDeploymentNames: EndpointHandler<'listDeploymentNames'> = async (
  { listCache },
  { header },
) => respondUnlessKnown((await listCache.current()).names(), header)

/** 304 when the client has this body already. */
function respondUnlessKnown(
  { bytes, etag }: CachedBody,
  header: (name: string) => string | undefined,
): Response {
  const headers = { ETag: etag, 'Cache-Control': 'private, no-cache' }
  const clientTags = header('if-none-match')
    ?.split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))
  if (clientTags?.includes(etag) || clientTags?.includes('*'))
    return new Response(null, { status: 304, headers })
  return new Response(bytes, { headers: { ...headers, 'Content-Type': 'application/json' } })
}

/** PostgreSQL makes the JSON, and the server passes it on unchanged. */
export const getFullInfo: EndpointHandler<'getFullInfo'> = async (services, { param, role }) => {
  const { loadFullInfo, loadRestrictedFullInfo, settings } = services
  const load = canReadOutput(settings, role) ? loadFullInfo : loadRestrictedFullInfo
  const name = param('name')
  const json = requireFullInfo(await load(name), name)
  return new Response(json, { headers: { 'Content-Type': 'application/json' } })
}

/** A list of one element, as in Octopod 1.6. */
export const getInfo: EndpointHandler<'getInfo'> = async ({ db, log }, { param }) =>
  streamJson(log, infoJson(await readInfo(db, param('name'))))

async function* infoJson({
  logs,
  ...head
}: Awaited<ReturnType<typeof readInfo>>): AsyncGenerator<string, void> {
  yield `[${JSON.stringify(head).slice(0, -1)},"logs":[`
  yield* jsonElements(logs)
  yield ']}]'
}

/** Runs the check script now and does not store its result. */
export const getStatus: EndpointHandler<'getStatus'> = async (services, request) => {
  const { name, overrides } = await getDeploymentOverrides(services.db, request.param('name'))
  const target = { name, overrides }
  const answer = await queryScripts(services, { type: 'status', target }, request)
  if (answer === 'unreachable')
    throw new ApiError('service_unavailable', 'Redis is not reachable: the check script cannot be run.')
  if (answer.status === 'failed') throw new ApiError('script_failed', answer.message)
  return { status: answer.status === 'ok' ? 'Ok' : 'Error' }
}
