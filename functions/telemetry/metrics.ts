/**
 * Metrics for Prometheus: active and queued work, read from PostgreSQL and so the same at every server, and the
 * requests, websockets and process of this server. Served on a separate port that no ingress exposes. Started by
 * server.ts.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { type AuditState, readAuditState } from '../../db/queries/audit/seals.ts'
import { readStats, type Stats } from '../../db/queries/stats.ts'
import { allPausable } from '../../domain/pauses/pause.ts'
import { SettingsError } from '../../domain/settings/read-settings.ts'
import { statuses } from '../../domain/statuses.ts'
import type { Services } from '../services.ts'

export type Metrics = {
  /** Middleware that measures every request; app.ts uses it. */
  observe: MiddlewareHandler
  /** The metrics in the text format of Prometheus. */
  text(): Promise<string>
}

/** `clientCount` returns the number of open websockets. Each {@link Metrics.text} queries PostgreSQL at most twice. */
export function createMetrics(
  { db, access, auth }: Pick<Services, 'db' | 'access' | 'auth'>,
  clientCount: () => number,
): Metrics {
  const serverRegistry = new Registry()
  collectDefaultMetrics({ register: serverRegistry })
  const requestDuration = new Histogram({
    name: 'octopod_http_request_duration_seconds',
    help: 'Requests answered, by route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers: [serverRegistry],
  })
  const counter = (name: string, help: string, read: () => number) =>
    new Counter({
      name,
      help,
      registers: [serverRegistry],
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  counter(
    'octopod_wrong_credentials_total',
    'Requests with a wrong credential',
    access.wrongCredentials.count,
  )
  counter(
    'octopod_rate_limited_requests_total',
    'Requests refused by a limit of callers',
    access.limits.refusedCount,
  )
  counter('octopod_sign_ins_total', 'Sessions that this server has started', auth.sessions.startedCount)
  counter(
    'octopod_token_exchanges_total',
    'ID tokens of CI jobs that this server has exchanged',
    auth.exchanges.acceptedCount,
  )
  counter(
    'octopod_rejected_id_tokens_total',
    'ID tokens that this server has rejected',
    auth.exchanges.rejectedCount,
  )
  counter(
    'octopod_issuer_key_failures_total',
    'Failed fetches of the keys of an issuer of ID tokens',
    auth.issuerKeys.failureCount,
  )
  counter('octopod_failed_sign_ins_total', 'Sign-ins that this server has refused', auth.signIns.failedCount)
  counter(
    'octopod_policy_rejected_total',
    'Policy files that this server has rejected',
    auth.policy.rejectedCount,
  )
  // A registry of its own: without PostgreSQL these metrics are left out instead of repeated.
  const clusterRegistry = new Registry()
  const gauge = (register: Registry, name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers: [register] })
  const websocketClients = gauge(
    serverRegistry,
    'octopod_websocket_clients',
    'Websockets open at this server',
  )
  const postgresUp = gauge(serverRegistry, 'octopod_postgres_up', 'Whether PostgreSQL answered just now')
  const deployments = gauge(clusterRegistry, 'octopod_deployments', 'Deployments by status', ['status'])
  const activeActions = gauge(
    clusterRegistry,
    'octopod_active_actions',
    'Actions waiting, queued or running',
    ['kind', 'state'],
  )
  const oldestQueuedAction = gauge(
    clusterRegistry,
    'octopod_oldest_queued_action_seconds',
    'Age of the oldest action that waits',
  )
  const lateChecks = gauge(
    clusterRegistry,
    'octopod_late_checks',
    'Deployments whose check is more than 5 seconds late',
  )
  const paused = gauge(clusterRegistry, 'octopod_paused', '1 while this is paused for all deployments', [
    'what',
  ])
  const outputBytes = gauge(clusterRegistry, 'octopod_output_bytes', 'Text of all stored output')
  const outputChunks = gauge(clusterRegistry, 'octopod_output_chunks', 'Chunks of all stored output')
  const tableBytes = gauge(clusterRegistry, 'octopod_table_bytes', 'Disk space of a table and its indexes', [
    'table',
  ])
  const tableRows = gauge(clusterRegistry, 'octopod_table_rows', 'Rows of a table, as PostgreSQL estimates', [
    'table',
  ])

  const auditSeals = gauge(
    clusterRegistry,
    'octopod_audit_seals',
    'The number of the last seal of the audit log',
  )
  const auditUnsealed = gauge(
    clusterRegistry,
    'octopod_audit_unsealed_entries',
    'Entries of the audit log that wait for a seal',
  )
  const auditOldestUnsealed = gauge(
    clusterRegistry,
    'octopod_audit_oldest_unsealed_seconds',
    'Age of the oldest entry of the audit log that waits for a seal',
  )

  const setAuditGauges = ({ seal, unsealed, oldestUnsealedSeconds }: AuditState) => {
    auditSeals.set(seal)
    auditUnsealed.set(unsealed)
    auditOldestUnsealed.set(oldestUnsealedSeconds)
  }
  const setClusterGauges = (stats: Stats) => {
    activeActions.reset()
    for (const status of statuses) deployments.set({ status }, 0)
    for (const { status, count } of stats.deployments) deployments.set({ status }, count)
    for (const { kind, state, count } of stats.active) activeActions.set({ kind, state }, count)
    oldestQueuedAction.set(stats.oldestQueuedSeconds)
    lateChecks.set(stats.lateChecks)
    for (const what of allPausable) paused.set({ what }, stats.paused.includes(what) ? 1 : 0)
    outputBytes.set(stats.storage.outputBytes)
    outputChunks.set(stats.storage.outputChunks)
    for (const { name, bytes, rows } of stats.storage.tables) {
      tableBytes.set({ table: name }, bytes)
      if (rows !== null) tableRows.set({ table: name }, rows)
    }
  }

  return {
    observe: async (context, next) => {
      const startedAt = performance.now()
      await next()
      const { method } = context.req
      const route = routePath(context)
      requestDuration.observe(
        { method, route, status: context.res.status },
        (performance.now() - startedAt) / 1000,
      )
    },
    async text() {
      const stats = await readStats(db).catch(() => null)
      const audit = stats === null ? null : await readAuditState(db).catch(() => null)
      postgresUp.set(stats === null ? 0 : 1)
      websocketClients.set(clientCount())
      if (stats === null) return serverRegistry.metrics()
      setClusterGauges(stats)
      if (audit !== null) setAuditGauges(audit)
      return `${await serverRegistry.metrics()}\n${await clusterRegistry.metrics()}`
    },
  }
}

/** Serves GET /metrics until closed. Everybody who reaches the port may read it: it contains counts and no names. */
export async function serveMetrics(
  metrics: Metrics,
  port: number,
  host: string,
): Promise<{ port: number; close(): void }> {
  const http = createServer({ requestTimeout: 10_000 }, async (request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end('Metrics are at /metrics.\n')
      return
    }
    const text = await metrics.text().catch(() => null)
    response.writeHead(text === null ? 500 : 200, { 'Content-Type': Registry.PROMETHEUS_CONTENT_TYPE })
    response.end(text)
  })
  http.listen(port, host)
  await once(http, 'listening').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EADDRINUSE' ? new SettingsError(`METRICS_PORT ${port} is in use.`) : error
  })
  return {
    port: (http.address() as AddressInfo).port,
    close: () => {
      http.close()
      http.closeAllConnections()
    },
  }
}
