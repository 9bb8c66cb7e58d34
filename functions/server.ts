/**
 * Program `npm run server`: serves the HTTP application and the websockets. Stateless; any number can run side by side.
 */
import { createServer, type Server } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { serve } from '@hono/node-server'
import { pino } from 'pino'
import { subscribe } from '../db/redis/events.ts'
import { readSettings, SettingsError } from '../domain/settings/read-settings.ts'
import { exitOnHelp } from '../lib/node/help.ts'
import { serializers } from '../lib/serialize-error.ts'
import { limitConnections, requireOpenFiles } from './access/max-connections.ts'
import { createApp } from './app.ts'
import { createServices } from './create-services.ts'
import { startServerReports } from './doctor/server-report.ts'
import { answerBrokenRequest, setAnswerHeaders } from './http/answer-headers.ts'
import { givesCredential } from './http/static-files.ts'
import { watchMissedEvents } from './live/missed-events.ts'
import { watchRunners } from './live/runner-presence.ts'
import { createWebSocketRelay } from './live/websocket.ts'
import { createMetrics, serveMetrics } from './telemetry/metrics.ts'

exitOnHelp(`npm run server

Serves the page, the HTTP API and live events. Reads its settings from the environment: docs/settings.md.
SIGTERM stops it in order; a second signal ends it at once.`)

try {
  await main()
} catch (error) {
  console.error(
    error instanceof SettingsError
      ? error.message
      : `The server could not start: ${startErrorMessage(error)}`,
  )
  process.exit(1)
}

async function main(): Promise<void> {
  const settings = readSettings('server', process.env)
  requireOpenFiles(settings.DATABASE_POOL_SIZE)
  const log = pino({ level: settings.LOG_LEVEL, serializers })
  const shutdown = new AbortController()
  let isShuttingDown = false

  const { services, subscriber, close } = await createServices(settings, log, {
    supportsStreaming: true,
    isShuttingDown: () => isShuttingDown,
    shutdownSignal: shutdown.signal,
    timeoutMs: 60_000,
  })
  const metrics =
    settings.METRICS_PORT === undefined ? null : createMetrics(services, () => live.clientCount())
  const app = createApp(services, metrics?.observe)
  const http = await listen(app.fetch, settings.PORT, settings.HOST)
  limitConnections(http, log, settings.DATABASE_POOL_SIZE)
  const live = createWebSocketRelay(http, services)
  const missedEvents = await watchMissedEvents(services.db, log, live, services.redis)
  if (givesCredential(settings))
    log.warn(
      '/config.json gives APP_AUTHORIZATION_HEADER to everyone who can read it: protect it at the ingress, or set CONFIG_JSON_CREDENTIAL=off',
    )
  const stopWatchingRunners = watchRunners(services.actionQueue, live)
  const stopWatchingPauses = services.pauses.watch(live.setPauses)
  const reports = startServerReports(services)
  const metricsServer = metrics && (await serveMetrics(metrics, settings.METRICS_PORT ?? 0, settings.HOST))

  // Announcements of ended sessions may be lost while the connection is.
  subscriber.on('ready', () => services.auth.sessions.forgetAll())
  // Without Redis nothing is relayed. Until it is reachable, missedEvents sends the clients a resync.
  subscribe(subscriber, settings.REDIS_PREFIX, {
    onChange: ({ name }, text) => {
      missedEvents.recordRelayed()
      live.relay(name, text)
    },
    onSession: (changed) => services.auth.sessions.receive(changed),
    onOutput: ({ actionId }) => services.outputNotifier.notify(actionId),
  }).catch((error) => log.error({ err: error }, 'subscribing to change events failed'))

  const stop = async () => {
    if (isShuttingDown) process.exit(1)
    isShuttingDown = true
    setTimeout(() => process.exit(1), settings.SHUTDOWN_DELAY + settings.SHUTDOWN_GRACE + 5000).unref()
    log.info('shutdown: readiness set to not ready')
    await pause(settings.SHUTDOWN_DELAY)
    log.info('shutdown: finishing requests')
    shutdown.abort()
    missedEvents.stop()
    stopWatchingRunners()
    stopWatchingPauses()
    const reportRemoved = reports.stop()
    await Promise.all([live.close(), drainRequests(http, settings.SHUTDOWN_GRACE), reportRemoved])
    metricsServer?.close()
    await close()
    process.exit(0)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)

  const address = http.address()
  const port = typeof address === 'object' ? address?.port : address
  log.info({ port, ...(metricsServer ? { metricsPort: metricsServer.port } : {}) }, 'server ready')
}

function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  port: number,
  hostname: string,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = serve(
      {
        fetch,
        port,
        hostname,
        createServer,
        serverOptions: {
          requestTimeout: 30_000,
          headersTimeout: 10_000,
          // Load balancers keep connections for 60 s. The server keeps them longer, so that it never closes one in use.
          keepAliveTimeout: 65_000,
          // The application answers a request without Host.
          requireHostHeader: false,
          // A client that offers HTTP/2, as Java does, gets a usual answer.
          shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
        },
      },
      () => resolve(server),
    ) as Server
    server.once('error', reject)
    server.prependListener('request', setAnswerHeaders)
    server.on('clientError', answerBrokenRequest)
  })
}

/** Accepts no new connections and closes each open one after its answer, at the latest after `graceMs`. */
async function drainRequests(http: Server, graceMs: number): Promise<void> {
  http.prependListener('request', (_, response) => {
    response.shouldKeepAlive = false
  })
  const closed = new Promise<void>((resolve) => http.close(() => resolve()))
  const closeIdleTimer = setInterval(() => http.closeIdleConnections(), 50)
  const forceCloseTimer = setTimeout(() => http.closeAllConnections(), graceMs)
  await closed
  clearInterval(closeIdleTimer)
  clearTimeout(forceCloseTimer)
}

function startErrorMessage(error: unknown): string {
  const { code, message, port } = error as { code?: string; message?: string; port?: number }
  if (code === 'EADDRINUSE') return `port ${port} is in use; choose another one with PORT.`
  return message || code || String(error)
}
