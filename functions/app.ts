/**
 * The HTTP application: which middlewares a request passes and which handler answers it. server.ts and lambda.ts build
 * it from the same services, so the same application runs as a process and as an AWS Lambda handler.
 */
import { type Handler, Hono, type MiddlewareHandler } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import type { Logger } from 'pino'
import { type Api, api, type EndpointName } from '../domain/api-schema.ts'
import type { AuditOperation } from '../domain/audit/operations.ts'
import { apiPrefix, authPaths } from '../domain/endpoints.ts'
import { ApiError } from '../domain/errors.ts'
import { allowedHosts } from './access/allowed-hosts.ts'
import {
  authenticate,
  authorize,
  forgetEndedSession,
  limitAddress,
  limitRequests,
  requireOriginOfSession,
} from './access/authenticate.ts'
import { basePathOf, createPathReader } from './access/base-path.ts'
import { sameOrigin, sameSite } from './access/same-origin.ts'
import { cancelAction, getAction, listActions } from './actions/actions.ts'
import { getLog, getOutput, streamOutput } from './actions/output.ts'
import { streamAppLogs } from './app-logs/stream-app-logs.ts'
import { listAuditEntries, verifyAuditLog } from './audit/audit-handlers.ts'
import { recordRefusals } from './audit/record-refusals.ts'
import { streamAuditEntries } from './audit/stream-entries.ts'
import { createDeviceFlow } from './auth/device/device-flow.ts'
import { decideDeviceLogin, getDeviceLogin } from './auth/device/device-handlers.ts'
import { exchangeToken } from './auth/exchange/exchange-handler.ts'
import { oauthErrors } from './auth/exchange/oauth-errors.ts'
import { explainPolicy, getPolicy } from './auth/policy/policy-handlers.ts'
import { endSession, listSessions } from './auth/sessions/session-handlers.ts'
import { createSignInHandlers } from './auth/sign-in.ts'
import { createToken, listTokens, revokeToken } from './auth/tokens/token-handlers.ts'
import { whoami } from './auth/whoami.ts'
import { changeMany } from './bulk/change-many.ts'
import {
  getApplicationConfig,
  getApplicationKeys,
  getDeploymentConfig,
  getDeploymentKeys,
} from './config/defaults.ts'
import { getProjectName, ping } from './config/project-info.ts'
import { cloneDeployment, rollbackDeployment } from './deployments/copy-config.ts'
import {
  archiveDeployment,
  changeLabels,
  cleanupDeployment,
  createDeployment,
  deleteDeployment,
  restoreDeployment,
  setOwner,
  stopWaiting,
  updateDeployment,
} from './deployments/lifecycle.ts'
import { getFullInfo, getInfo, getStatus, listDeploymentNames, listDeployments } from './deployments/reads.ts'
import { getDoctor } from './doctor/doctor-handler.ts'
import { answerHeaders, requestIdOf } from './http/answer-headers.ts'
import { createEndpointHandler, type EndpointHandler } from './http/endpoint-handler.ts'
import { errorResponse } from './http/error-handler.ts'
import { idempotencyKey } from './http/idempotency-key.ts'
import { closeUnread, requestBody } from './http/request-body.ts'
import type { RequestEnv } from './http/request-env.ts'
import { logRequests } from './http/request-logger.ts'
import { pageConfig, staticFiles } from './http/static-files.ts'
import { upgradeRequired } from './live/upgrade-required.ts'
import { createOpenapiHandlers, docsStylesheet } from './openapi/handlers.ts'
import { listPauses, pauseWork, resumeWork } from './pauses/pause-handlers.ts'
import type { Services } from './services.ts'
import { healthz, readyz } from './telemetry/health.ts'
import { getStorage } from './telemetry/storage.ts'
import { listWebhooks, resendDelivery } from './webhooks/webhook-handlers.ts'

type Route<Name extends EndpointName> = readonly [
  method: Api[Name]['method'],
  path: Api[Name]['path'],
  handler: EndpointHandler<Name>,
]

/** Below /api/v1. The compiler compares method and path with the endpoint table that the clients use. */
const routes: { [Name in EndpointName]: Route<Name> } = {
  listDeployments: ['GET', '/deployments', listDeployments],
  listDeploymentNames: ['GET', '/deployment_names', listDeploymentNames],
  createDeployment: ['POST', '/deployments', createDeployment],
  updateDeployment: ['PUT', '/deployments/:name', updateDeployment],
  archiveDeployment: ['DELETE', '/deployments/:name', archiveDeployment],
  rollbackDeployment: ['POST', '/deployments/:name/rollback', rollbackDeployment],
  cloneDeployment: ['POST', '/deployments/:name/clone', cloneDeployment],
  restoreDeployment: ['PATCH', '/deployments/:name/restore', restoreDeployment],
  cleanupDeployment: ['DELETE', '/deployments/:name/cleanup', cleanupDeployment],
  stopWaiting: ['POST', '/deployments/:name/stop_waiting', stopWaiting],
  deleteDeployment: ['DELETE', '/deployments/:name/delete', deleteDeployment],
  getFullInfo: ['GET', '/deployments/:name/full_info', getFullInfo],
  getInfo: ['GET', '/deployments/:name/info', getInfo],
  getStatus: ['GET', '/deployments/:name/status', getStatus],
  streamAppLogs: ['GET', '/deployments/:name/app_logs', streamAppLogs],
  listActions: ['GET', '/deployments/:name/actions', listActions],
  getAction: ['GET', '/actions/:action_id', getAction],
  cancelAction: ['POST', '/actions/:action_id/cancel', cancelAction],
  getOutput: ['GET', '/actions/:action_id/output', getOutput],
  streamOutput: ['GET', '/actions/:action_id/output/stream', streamOutput],
  getLog: ['GET', '/log/:action_id', getLog],
  getDeploymentConfig: ['GET', '/deployment_overrides', getDeploymentConfig],
  getDeploymentKeys: ['GET', '/deployment_override_keys', getDeploymentKeys],
  getApplicationConfig: ['POST', '/application_overrides', getApplicationConfig],
  getApplicationKeys: ['POST', '/application_override_keys', getApplicationKeys],
  ping: ['GET', '/ping', ping],
  getProjectName: ['GET', '/project_name', getProjectName],
  whoami: ['GET', '/whoami', whoami],
  setOwner: ['PUT', '/deployments/:name/owner', setOwner],
  changeLabels: ['PATCH', '/deployments/:name/labels', changeLabels],
  changeMany: ['POST', '/bulk', changeMany],
  listSessions: ['GET', '/sessions', listSessions],
  endSession: ['DELETE', '/sessions/:session_id', endSession],
  listTokens: ['GET', '/tokens', listTokens],
  createToken: ['POST', '/tokens', createToken],
  revokeToken: ['DELETE', '/tokens/:token_id', revokeToken],
  getDeviceLogin: ['GET', '/device_login', getDeviceLogin],
  decideDeviceLogin: ['POST', '/device_login', decideDeviceLogin],
  exchangeToken: ['POST', '/token', exchangeToken],
  getPolicy: ['GET', '/policy', getPolicy],
  explainPolicy: ['GET', '/policy/explain', explainPolicy],
  listAuditEntries: ['GET', '/audit', listAuditEntries],
  streamAuditEntries: ['GET', '/audit/stream', streamAuditEntries],
  verifyAuditLog: ['GET', '/audit/verify', verifyAuditLog],
  listWebhooks: ['GET', '/webhooks', listWebhooks],
  resendDelivery: ['POST', '/webhooks/deliveries/:delivery_id/resend', resendDelivery],
  listPauses: ['GET', '/pauses', listPauses],
  pauseWork: ['PUT', '/pauses/:what', pauseWork],
  resumeWork: ['DELETE', '/pauses/:what', resumeWork],
  getDoctor: ['GET', '/doctor', getDoctor],
  getStorage: ['GET', '/storage', getStorage],
}

/** The middlewares of an endpoint, in this order. The handler comes last and runs under the request deadline. */
function middlewares(services: Services, name: EndpointName): MiddlewareHandler<RequestEnv>[] {
  const { settings, access, auth } = services
  const { method, right } = api[name]
  return [
    recordRefusals(services, refusedOperation(name)),
    authenticate(auth, access, right),
    limitRequests(access),
    authorize(settings, right),
    ...(method !== 'GET'
      ? [
          sameOrigin(access.requireSameOrigin),
          requireOriginOfSession(auth),
          requestBody(access.limits, 'body' in api[name], 'acceptsForm' in api[name]),
          idempotencyKey,
        ]
      : 'runsScript' in api[name]
        ? [sameSite(access.requireSameOrigin)]
        : []),
  ]
}

/** What is refused where no right is missing, as when an access token asks for another one. */
function refusedOperation(name: EndpointName): AuditOperation {
  const { right } = api[name]
  if (right !== 'open' && right !== 'known') return right
  return name === 'revokeToken' ? 'revoke_token' : name === 'endSession' ? 'end_session' : 'create_token'
}

/** `observe` is a middleware around every request; metrics.ts makes one. */
export function createApp(services: Services, observe?: MiddlewareHandler): Hono<RequestEnv> {
  const { log, access, settings } = services
  const basePath = basePathOf(settings)
  const paths = createPathReader(settings)
  const app = new Hono<RequestEnv>(basePath === '' ? {} : { getPath: paths.ofRequest })
  if (observe) app.use(observe)
  app.use(answerHeaders)
  app.use(closeUnread)
  app.use(logRequests(log))
  app.onError((error, context) => errorResponse(error, log, requestIdOf(context)))
  app.notFound(notFound)

  /** Other methods than GET and HEAD are answered with 405. */
  const addGet = (path: string, handler: Handler) =>
    app.get(path, handler).all(path, methodNotAllowed(log, ['GET']))

  // Probes ask for the address of a pod, so the health paths come before the rules for paths and hosts.
  addGet('/healthz', healthz)
  addGet('/readyz', readyz(services))
  app.use(paths.middleware)
  app.use(allowedHosts(access.requireAllowedHost))
  app.use(forgetEndedSession(services.auth))
  addGet('/config.json', pageConfig(services))
  addAuthPaths(app, services)
  addGet('/event', upgradeRequired(services))
  const { openapi, docsPage } = createOpenapiHandlers(settings, basePath)
  addGet(`${apiPrefix}/openapi.json`, openapi)
  addGet(`${apiPrefix}/docs`, docsPage)
  addGet(`${apiPrefix}/docs.css`, docsStylesheet)

  for (const name of Object.keys(routes) as EndpointName[]) addRoute(app, services, name)
  for (const [path, endpoints] of Map.groupBy(Object.values(api), ({ path }) => path)) {
    const methods = endpoints.map(({ method }) => method)
    app.all(apiPrefix + path, methodNotAllowed(log, methods))
  }
  app.all('/api/*', notFound)

  app.use('*', secureHeaders({ contentSecurityPolicy, strictTransportSecurity: false }))
  addGet('*', staticFiles(basePath))
  return app
}

/** For browsers, and for the page. They are not limited by a role: everyone may sign in. */
function addAuthPaths(app: Hono<RequestEnv>, services: Services): void {
  const { access, auth, log } = services
  const limit = limitAddress(access)
  const record = recordRefusals(services, 'sign_in')
  const origin = sameOrigin(access.requireSameOrigin)
  const { login, callback, signInByCredential, logout } = createSignInHandlers(services)
  app.get(authPaths.login, record, limit, login)
  app.get(authPaths.callback, record, limit, callback)
  app.post(authPaths.session, record, limit, origin, signInByCredential)
  app.post(authPaths.logout, limit, origin, logout)
  const device = createDeviceFlow(services)
  const readBody = [authenticate(auth, access, 'open'), requestBody(access.limits, false)] as const
  app.post(authPaths.device, limit, origin, ...readBody, device.start)
  app.post(authPaths.deviceToken, limit, origin, ...readBody, device.token)
  for (const path of [authPaths.login, authPaths.callback]) app.all(path, methodNotAllowed(log, ['GET']))
  const { session, logout: end, device: start, deviceToken } = authPaths
  for (const path of [session, end, start, deviceToken]) app.all(path, methodNotAllowed(log, ['POST']))
}

function addRoute<Name extends EndpointName>(app: Hono<RequestEnv>, services: Services, name: Name): void {
  const [method, path, handler] = routes[name]
  if ('acceptsForm' in api[name]) app.on(method, apiPrefix + path, oauthErrors)
  for (const middleware of middlewares(services, name)) app.on(method, apiPrefix + path, middleware)
  app.on(method, apiPrefix + path, createEndpointHandler(services, name, handler))
}

/** The page loads nothing from other origins and runs nothing inline. */
const contentSecurityPolicy = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  fontSrc: ["'self'"],
  connectSrc: ["'self'"],
  manifestSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'self'"],
  frameAncestors: ["'none'"],
}

function notFound(context: { req: { path: string } }): never {
  throw new ApiError('not_found', `No route for ${context.req.path.slice(0, 200)}.`)
}

/** HTTP requires the header Allow in this answer. */
function methodNotAllowed(log: Logger, methods: readonly string[]): Handler<RequestEnv> {
  const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])].join(', ')
  return (context) => {
    const { method, path } = context.req
    // A file of the page that does not exist.
    if (methods.includes('GET') && ['GET', 'HEAD'].includes(method)) return notFound(context)
    const message = `${method} is not allowed for ${path.slice(0, 200)}; use ${allow}.`
    const response = errorResponse(new ApiError('method_not_allowed', message), log, requestIdOf(context))
    response.headers.set('Allow', allow)
    return response
  }
}
