/**
 * Which function answers: every route on one screen. Built by server.ts and lambda.ts from the same services, so the
 * same app runs as a process and as an AWS Lambda handler.
 */
import { type Handler, Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { secureHeaders } from 'hono/secure-headers'
import type { Logger } from 'pino'
import { api, type EndpointName } from '../domain/api.ts'
import { Refusal } from '../domain/errors.ts'
import { apiPrefix } from '../domain/places.ts'
import { cancelAction } from './actions/cancel.ts'
import { getAction } from './actions/get.ts'
import { getLog, getOutput, streamOutput } from './actions/output.ts'
import {
  getApplicationConfig,
  getApplicationKeys,
  getDeploymentConfig,
  getDeploymentKeys,
} from './config/defaults.ts'
import { listActions } from './deployments/actions.ts'
import { archiveDeployment } from './deployments/archive.ts'
import { cleanupDeployment } from './deployments/cleanup.ts'
import { createDeployment } from './deployments/create.ts'
import { deleteDeployment } from './deployments/delete.ts'
import { getFullInfo } from './deployments/full-info.ts'
import { getInfo } from './deployments/info.ts'
import { listDeployments } from './deployments/list.ts'
import { restoreDeployment } from './deployments/restore.ts'
import { getStatus } from './deployments/status.ts'
import { updateDeployment } from './deployments/update.ts'
import { healthz, readyz } from './health.ts'
import { logRequests, requestIdOf } from './log.ts'
import { openapi, reference, referenceStyle } from './openapi.ts'
import { page, pageConfig } from './page.ts'
import { answerError } from './problem.ts'
import { getProjectName, ping } from './project.ts'
import { type Answerer, route } from './route.ts'
import type { Services } from './services.ts'
import { whoami } from './whoami.ts'

const functions: { [Name in EndpointName]: Answerer<Name> } = {
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
  app.onError((error, context) => answerError(error, services.log, requestIdOf(context)))
  app.notFound(nothingThere)

  app.get('/healthz', healthz)
  app.get('/readyz', readyz(services))
  app.get('/config.json', pageConfig(services))
  app.get(`${apiPrefix}/openapi.json`, openapi)
  app.get(`${apiPrefix}/docs`, reference)
  app.get(`${apiPrefix}/docs.css`, referenceStyle)

  // Not for GET: it would make node-server build a whole Request.
  const limit = bodyLimit({ maxSize: maxBodyBytes, onError: tooLarge })
  app.on(['POST', 'PUT', 'PATCH', 'DELETE'], `${apiPrefix}/*`, limit)
  for (const name of Object.keys(functions) as EndpointName[]) mount(app, services, name)
  for (const [path, endpoints] of Map.groupBy(Object.values(api), (endpoint) => apiPrefix + endpoint.path))
    app.all(
      path,
      wrongMethod(
        services.log,
        endpoints.map((endpoint) => endpoint.method),
      ),
    )
  app.all('/api/*', nothingThere)

  app.use('*', secureHeaders({ contentSecurityPolicy: contentPolicy, strictTransportSecurity: false }))
  app.get('*', page())
  return app
}

function mount<Name extends EndpointName>(app: Hono, services: Services, name: Name): void {
  const { method, path } = api[name]
  app.on(method, apiPrefix + path, route(services, name, functions[name]))
}

/** Nothing from elsewhere, nothing inline; the websocket is of the same origin. */
const contentPolicy = {
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

function nothingThere(context: { req: { path: string } }): never {
  throw new Refusal('no_such_path', `There is nothing at ${context.req.path.slice(0, 200)}.`)
}

function tooLarge(): never {
  throw new Refusal('too_large', `The body is larger than ${maxBodyBytes} bytes.`)
}

/** Says which methods there are, as HTTP asks of such an answer. */
function wrongMethod(log: Logger, methods: readonly string[]): Handler {
  const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])].join(', ')
  return (context) => {
    const { method, path } = context.req
    const words = `${method} is not possible at ${path.slice(0, 200)}, only ${allow}.`
    const answer = answerError(new Refusal('wrong_method', words), log, requestIdOf(context))
    answer.headers.set('Allow', allow)
    return answer
  }
}
