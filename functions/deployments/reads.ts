/** Handlers that read deployments: the list, one deployment, its info and its current status. */
import { readInfo } from '../../db/queries/actions.ts'
import { getDeploymentOverrides, requireFullInfo } from '../../db/queries/deployments.ts'
import { decide } from '../../domain/access/roles.ts'
import { headers as apiHeaders, lineType } from '../../domain/endpoints.ts'
import { ApiError } from '../../domain/errors.ts'
import { viewOf } from '../auth/view.ts'
import type { EndpointHandler, EndpointRequest } from '../http/endpoint-handler.ts'
import { jsonElements, streamJson } from '../http/json-stream.ts'
import { queryScripts } from '../http/query-scripts.ts'
import { hideValues, type SecretHider } from '../secrets/hide-secrets.ts'
import type { Services } from '../services.ts'
import type { CachedBody } from './list-cache.ts'

/** As an array, or line by line for a client that reads it while it arrives. */
export const listDeployments: EndpointHandler<'listDeployments'> = async (services, request) => {
  const list = await services.listCache.current(viewOf(request.identity))
  return acceptsLines(request.header('accept'))
    ? respondUnlessKnown(services, list.lines(), request, { 'Content-Type': lineType, ...variants })
    : respondUnlessKnown(services, list.array(), request, variants)
}

const variants = { Vary: 'Accept, Accept-Encoding' }

/** Only for a client that names the type: others get an array, as from Octopod 1.6. */
const acceptsLines = (accept: string | undefined) =>
  accept?.split(',').some((range) => range.trim().toLowerCase() === lineType) ?? false

export const listDeploymentNames: EndpointHandler<'listDeploymentNames'> = async (services, request) =>
  respondUnlessKnown(services, (await services.listCache.current(viewOf(request.identity))).names(), request)

/** 304 when the client has this body already. */
async function respondUnlessKnown(
  { compression }: Services,
  { bytes, etag }: CachedBody,
  {
    header,
    encoding,
    identity,
  }: Pick<EndpointRequest<'listDeployments'>, 'header' | 'encoding' | 'identity'>,
  ownHeaders: Record<string, string> = {},
): Promise<Response> {
  const headers = {
    ...ownHeaders,
    ETag: etag,
    'Cache-Control': 'private, no-cache',
    [apiHeaders.view]: viewOf(identity).id,
  }
  const clientTags = header('if-none-match')
    ?.split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))
  if (clientTags?.includes(etag) || clientTags?.includes('*'))
    return new Response(null, { status: 304, headers })
  return compression.keptJson(bytes, encoding, headers)
}

/** PostgreSQL makes the JSON, and the server passes it on unchanged. */
export const getFullInfo: EndpointHandler<'getFullInfo'> = async (
  services,
  { param, identity, encoding },
) => {
  const { loadFullInfo, loadRestrictedFullInfo } = services
  const name = param('name')
  const mayReadOutput = decide(identity.permissions, 'read_output', { name }).isAllowed
  const load = mayReadOutput ? loadFullInfo : loadRestrictedFullInfo
  const json = requireFullInfo(await load(name), name)
  const { seesSecrets } = viewOf(identity)
  return services.compression.json(
    seesSecrets(name) ? json : services.secrets.hider.fullInfoText(json),
    encoding,
  )
}

/** A list of one element, as in Octopod 1.6. */
export const getInfo: EndpointHandler<'getInfo'> = async (services, { param, identity, encoding }) => {
  const name = param('name')
  const info = await readInfo(services.db, name)
  const hider = viewOf(identity).seesSecrets(name) ? null : services.secrets.hider
  return streamJson(services, encoding, infoJson(info, hider))
}

async function* infoJson(
  { logs, createdAt, ...head }: Awaited<ReturnType<typeof readInfo>>,
  hider: SecretHider | null,
): AsyncGenerator<string, void> {
  const shown = hider === null ? head : hider.infoHead(head, createdAt)
  const owner = { name: head.deployment.name, createdAt }
  yield `[${JSON.stringify(shown).slice(0, -1)},"logs":[`
  yield* jsonElements(logs, (log) => (hider === null ? log : hider.actionLog(log, owner)))
  yield ']}]'
}

/** Runs the check script now and does not store its result. */
export const getStatus: EndpointHandler<'getStatus'> = async (services, request) => {
  const { name, overrides } = await getDeploymentOverrides(services.db, request.param('name'))
  const target = { name, overrides }
  const answer = await queryScripts(services, { type: 'status', target }, request)
  if (answer === 'unreachable')
    throw new ApiError('service_unavailable', 'Redis is not reachable: the check script cannot be run.')
  if (answer.status === 'failed') {
    const hidden = viewOf(request.identity).seesSecrets(name)
      ? []
      : services.secrets.hider.valuesOf([...overrides.application, ...overrides.deployment])
    throw new ApiError('script_failed', hideValues(answer.message, hidden))
  }
  return { status: answer.status === 'ok' ? 'Ok' : 'Error' }
}
