/** The metrics of a server, as Prometheus reads them. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { OutputPage } from '../../domain/schemas.ts'
import { tableRows } from '../architecture/markdown.ts'
import { type ApiClient, createApiClient, getActionId } from '../helpers/api-client.ts'
import { type Program, type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { connectWebSocket } from '../helpers/websocket-client.ts'

let system: System
let server: Program & { url: string }
let octopod: ApiClient
before(async () => {
  system = await startSystem({ env: { CHECK_INTERVAL: '3600' } })
  server = await system.startServer({ METRICS_PORT: '0' })
  octopod = createApiClient(server.url)
})
after(() => system?.stop())

const metrics = async () => {
  const answer = await fetch(`http://127.0.0.1:${server.ready.metricsPort}/metrics`)
  assert.equal(answer.status, 200)
  assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  const text = await answer.text()
  const values = new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
  return { text, values }
}

test('Metrics count active actions, deployments and requests', async () => {
  await system.setBehavior('create', 'hang')
  const actionId = getActionId(await octopod.create('measured'))
  await waitFor('the action runs', async () => {
    const { values } = await metrics()
    const running = values.get('octopod_active_actions{kind="create",state="running"}')
    return { done: running === 1, value: null, seen: running }
  })
  const during = await metrics()
  assert.equal(during.values.get('octopod_deployments{status="CreatePending"}'), 1)
  assert.equal(during.values.get('octopod_oldest_queued_action_seconds'), 0)
  const pausedNow = async () => (await metrics()).values.get('octopod_paused{what="retention"}')
  assert.equal(await pausedNow(), 0)
  await octopod.api('PUT', '/pauses/retention', { reason: 'test' })
  assert.equal(await pausedNow(), 1)
  await octopod.api('DELETE', '/pauses/retention')
  assert.equal(during.values.get('octopod_late_checks'), 0)
  const requestCount =
    'octopod_http_request_duration_seconds_count{method="POST",route="/api/v1/deployments",status="200"}'
  assert.equal(during.values.get(requestCount), 1)
  assert.doesNotMatch(during.text, /measured/, 'metrics contain no names')

  assert.ok((during.values.get('octopod_table_bytes{table="actions"}') ?? 0) > 0)

  await octopod.api('POST', `/actions/${actionId}/cancel`)
  await octopod.waitForActionEnd(actionId)
  const afterwards = await metrics()
  assert.equal(afterwards.values.get('octopod_active_actions{kind="create",state="running"}'), undefined)
  assert.equal(afterwards.values.get('octopod_deployments{status="CreatePending"}'), 0)
  const output = (await octopod.api('GET', `/actions/${actionId}/output`)).body as OutputPage
  const bytes = output.chunks.reduce((sum, chunk) => sum + Buffer.byteLength(chunk.text), 0)
  assert.equal(afterwards.values.get('octopod_output_bytes'), bytes)
  assert.equal(afterwards.values.get('octopod_output_chunks'), output.chunks.length)
})

test('Metrics count open websockets', async () => {
  const before = (await metrics()).values.get('octopod_websocket_clients')
  const live = await connectWebSocket(server.url)
  assert.equal((await metrics()).values.get('octopod_websocket_clients'), (before ?? 0) + 1)
  live.close()
})

test('Every Octopod metric is documented, and no other', async () => {
  const { text } = await metrics()
  const exported = [...text.matchAll(/^# TYPE (octopod_\w+) /gm)].map(([, name]) => name).sort()
  const documented = tableRows('docs/metrics.md')
    .map(([name]) => name ?? '')
    .filter((name) => name.startsWith('octopod_'))
    .sort()
  assert.deepEqual(documented, exported)
})

test('A used metrics port is reported with the name of its setting', async () => {
  const usedPort = String(server.ready.metricsPort)
  await assert.rejects(
    system.startServer({ METRICS_PORT: usedPort }),
    new RegExp(`METRICS_PORT ${usedPort} is in use`),
  )
})

test('A server without METRICS_PORT serves no metrics', async () => {
  assert.equal(system.server.ready.metricsPort, undefined)
  assert.equal(
    (await fetch(`${system.url}/metrics`)).headers.get('content-type')?.includes('version='),
    false,
  )
})
