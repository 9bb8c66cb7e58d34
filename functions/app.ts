/**
 * Which function answers: every route on one screen. Built by server.ts and lambda.ts from the same services, so the
 * same app runs as a process and as an AWS Lambda handler.
 */
import { type Handler, Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { secureHeaders } from 'hono/secure-headers'
import type { Logger } from 'pino'
import { api, type EndpointName } from '../domain/api-schema.ts'
import { apiPrefix } from '../domain/endpoints.ts'
import { ApiError } from '../domain/errors.ts'
import { getAction } from './actions/actions.ts'
import { cancelAction } from './actions/cancel.ts'
import { getLog, getOutput, streamOutput } from './actions/output.ts'
import { whoami } from './auth/whoami.ts'
import {
  getApplicationConfig,
  getApplicationKeys,
  getDeploymentConfig,
  getDeploymentKeys,
} from './config/defaults.ts'
import { listActions } from './deployments/actions.ts'
import { archiveDeployment } from './deployments/archive.ts'
import { cleanupDeployment } from './deployments/cleanup.ts'
import { deleteDeployment } from './deployments/delete.ts'
import { getInfo } from './deployments/info.ts'
import { createDeployment } from './deployments/lifecycle.ts'
import { listDeployments } from './deployments/list.ts'
import { getFullInfo } from './deployments/reads.ts'
import { restoreDeployment } from './deployments/restore.ts'
import { getStatus } from './deployments/status.ts'
import { updateDeployment } from './deployments/update.ts'
import { createEndpointHandler, type EndpointHandler } from './http/endpoint-handler.ts'
import { errorResponse } from './http/error-handler.ts'
import { getProjectName, ping } from './http/project-info.ts'
import { logRequests, requestIdOf } from './http/request-logger.ts'
import { pageConfig, staticFiles } from './http/static-files.ts'
import { docsPage, docsStylesheet, openapi } from './openapi/handlers.ts'
import type { Services } from './services.ts'
import { healthz, readyz } from './telemetry/health.ts'

const handlers: { [Name in EndpointName]: EndpointHandler<Name> } = {
  listDeployments,
  createDeployment,
  updateDeployment,
  archiveDeployment,
  restoreDeployment,
  cleanupDeployment,
  deleteDeployment,
  getFullInfo,
  getInfo,
  getStatus,
  listActions,
  getAction,
  cancelAction,
  getOutput,
  streamOutput,
  getLog,
  getDeploymentConfig,
  getDeploymentKeys,
  getApplicationConfig,
  getApplicationKeys,
  ping,
  getProjectName,
  whoami,
}

/** 2,000 overrides of two levels fit; a value may have 100 kB. */
const maxBodyBytes = 1024 * 1024

/** `observe` sees every request and its answer. */
export function createApp(services: Services, observe?: MiddlewareHandler): Hono {
  const app = new Hono()
  if (observe) app.use(observe)
  app.use(logRequests(services.log))
  app.onError((error, context) => errorResponse(error, services.log, requestIdOf(context)))
  app.notFound(notFound)

  app.get('/healthz', healthz)
  app.get('/readyz', readyz(services))
  app.get('/config.json', pageConfig(services))
  app.get(`${apiPrefix}/openapi.json`, openapi)
  app.get(`${apiPrefix}/docs`, docsPage)
  app.get(`${apiPrefix}/docs.css`, docsStylesheet)

  // Not for GET: it would make node-server build a whole Request.
  const limit = bodyLimit({ maxSize: maxBodyBytes, onError: bodyTooLarge })
  app.on(['POST', 'PUT', 'PATCH', 'DELETE'], `${apiPrefix}/*`, limit)
  for (const name of Object.keys(handlers) as EndpointName[]) mountEndpoint(app, services, name)
  for (const [path, endpoints] of Map.groupBy(Object.values(api), (endpoint) => apiPrefix + endpoint.path))
    app.all(
      path,
      methodNotAllowed(
        services.log,
        endpoints.map((endpoint) => endpoint.method),
      ),
    )
  app.all('/api/*', notFound)

  app.use('*', secureHeaders({ contentSecurityPolicy, strictTransportSecurity: false }))
  app.get('*', staticFiles())
  return app
}

function mountEndpoint<Name extends EndpointName>(app: Hono, services: Services, name: Name): void {
  const { method, path } = api[name]
  app.on(method, apiPrefix + path, createEndpointHandler(services, name, handlers[name]))
}

/** Nothing from elsewhere, nothing inline; the websocket is of the same origin. */
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
  throw new ApiError('no_such_path', `There is nothing at ${context.req.path.slice(0, 200)}.`)
}

function bodyTooLarge(): never {
  throw new ApiError('too_large', `The body is larger than ${maxBodyBytes} bytes.`)
}

/** Says which methods there are, as HTTP asks of such an answer. */
function methodNotAllowed(log: Logger, methods: readonly string[]): Handler {
  const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])].join(', ')
  return (context) => {
    const { method, path } = context.req
    const message = `${method} is not possible at ${path.slice(0, 200)}, only ${allow}.`
    const response = errorResponse(new ApiError('wrong_method', message), log, requestIdOf(context))
    response.headers.set('Allow', allow)
    return response
  }
}
