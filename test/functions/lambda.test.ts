/**
 * The application as an AWS Lambda handler. Each test sends an event of API Gateway (HTTP API, payload 2.0) to real
 * datastores and a real runner. lambda/event.json is the recorded event; a test changes its method, path and body.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { createApiClient } from '../helpers/api-client.ts'
import { adminHeader, type System, startSystem } from '../helpers/system.ts'
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.ts'

type Lambda = typeof import('../../functions/lambda.ts')
type Event = Parameters<Lambda['handler']>[0]
type LambdaRequest = {
  method?: string
  path: string
  query?: string
  headers?: Record<string, string>
  cookies?: string[]
  body?: string
  base64?: boolean
  stage?: string
}
type LambdaResponse = {
  statusCode: number
  headers: Record<string, string>
  body: string
  isBase64Encoded: boolean
}

const recorded = JSON.parse(await readFile(new URL('lambda/event.json', import.meta.url), 'utf8'))
const json = { 'content-type': 'application/json' }
const admin = { authorization: adminHeader }

let system: System
let lambda: Lambda
let databaseProxy: TcpProxy

before(async () => {
  system = await startSystem({ env: { SCRIPT_QUERY_TIMEOUT: '5', OUTPUT_READERS: 'admin' } })
  // lambda.ts reads the environment when it is loaded, as on a cold start.
  databaseProxy = await startTcpProxy(system.databaseUrl)
  Object.assign(process.env, system.environment, {
    LOG_LEVEL: 'silent',
    GIT_REVISION: 'abc123',
    ALLOWED_HOSTS: 'octopod.elb.amazonaws.com',
    DATABASE_URL: databaseProxy.url,
  })
  lambda = await import('../../functions/lambda.ts')
})

after(async () => {
  await lambda?.closeHandler()
  await system?.stop()
  await databaseProxy?.close()
})

/** Creates an event as the gateway does. With a named stage the path begins with the stage. */
function eventOf({
  method = 'GET',
  path,
  query = '',
  headers,
  cookies,
  body,
  base64,
  stage,
}: LambdaRequest): Event {
  const rawPath = stage === undefined ? path : `/${stage}${path}`
  const length = String(Buffer.from(body ?? '', base64 ? 'base64' : 'utf8').length)
  return {
    ...recorded,
    rawPath,
    rawQueryString: query,
    ...(query === '' ? {} : { queryStringParameters: Object.fromEntries(new URLSearchParams(query)) }),
    ...(cookies === undefined ? {} : { cookies }),
    headers: { ...recorded.headers, 'content-length': length, ...headers },
    requestContext: {
      ...recorded.requestContext,
      stage: stage ?? '$default',
      http: { ...recorded.requestContext.http, method, path: rawPath },
    },
    ...(body === undefined ? {} : { body }),
    isBase64Encoded: base64 ?? false,
  }
}

async function invoke(request: LambdaRequest): Promise<LambdaResponse & { json: unknown }> {
  const answer = (await lambda.handler(eventOf(request))) as LambdaResponse
  const text = answer.isBase64Encoded ? Buffer.from(answer.body, 'base64').toString() : answer.body
  const isJson = answer.headers['content-type']?.startsWith('application/json')
  return { ...answer, body: text, json: isJson ? JSON.parse(text) : undefined }
}

const createBody = (name: string) =>
  JSON.stringify({
    name,
    app_overrides: [['image.tag', { tag: 'ValueAdded', contents: 'größer' }]],
    deployment_overrides: [],
  })
const codeOf = (answer: { json: unknown }) => (answer.json as { code?: string }).code

test('A GET is answered, text as text', async () => {
  const answer = await invoke({ path: '/api/v1/ping' })
  assert.equal(answer.statusCode, 200)
  assert.equal(answer.body, 'abc123')
  assert.equal(answer.isBase64Encoded, false)
})

test('The list has an ETag and answers 304 to it', async () => {
  const first = await invoke({ path: '/api/v1/deployments' })
  assert.deepEqual(first.json, [])
  const etag = first.headers.etag ?? ''
  const again = await invoke({ path: '/api/v1/deployments', headers: { 'if-none-match': etag } })
  assert.equal(again.statusCode, 304)
  assert.equal(again.body, '')
})

test('The first requests after a freeze, in which all database connections ended, are answered', async () => {
  await Promise.all(Array.from({ length: 5 }, () => invoke({ path: '/api/v1/ping' })))
  for (const [request, status] of [
    [{ path: '/api/v1/ping' }, 200],
    [{ method: 'DELETE', path: '/api/v1/deployments/nobody', headers: admin }, 404],
  ] as const) {
    databaseProxy.resetConnections()
    // The process has not noticed the ends of its connections.
    assert.equal((await invoke(request)).statusCode, status)
  }
})

test('A POST with a JSON body is accepted, and a runner executes the action', async () => {
  const answer = await invoke({
    method: 'POST',
    path: '/api/v1/deployments',
    headers: json,
    body: createBody('orion'),
  })
  assert.deepEqual([answer.statusCode, answer.body], [200, '{"tag":"Success"}'])
  const actionId = answer.headers['octopod-action-id']
  await createApiClient(system.url).waitForActionEnd(Number(actionId))
  const info = await invoke({ path: '/api/v1/deployments/orion/full_info' })
  const { deployment } = info.json as { deployment: { app_overrides: unknown } }
  assert.deepEqual(deployment.app_overrides, [['image.tag', { tag: 'ValueAdded', contents: 'größer' }]])
})

test('A base64 body is decoded', async () => {
  const body = Buffer.from(createBody('vega')).toString('base64')
  const request = { method: 'POST', path: '/api/v1/deployments', headers: json, body, base64: true }
  const answer = await invoke(request)
  assert.deepEqual([answer.statusCode, answer.body], [200, '{"tag":"Success"}'])
  const again = await invoke(request)
  assert.deepEqual([again.statusCode, codeOf(again)], [400, 'name_taken'])
})

test('The same Idempotency-Key acts once, through Lambda and HTTP', async () => {
  const headers = { ...json, 'idempotency-key': 'lambda-1' }
  const request = { method: 'POST', path: '/api/v1/deployments', headers, body: createBody('lyra') }
  const first = await invoke(request)
  const again = await invoke(request)
  const overHttp = await createApiClient(system.url, null).api(
    'POST',
    '/deployments',
    createBody('lyra'),
    headers,
  )
  assert.equal(again.headers['octopod-action-id'], first.headers['octopod-action-id'])
  assert.equal(overHttp.headers.get('octopod-action-id'), first.headers['octopod-action-id'])
})

test('The query string is read', async () => {
  const two = await invoke({ path: '/api/v1/deployments/orion/actions', query: 'limit=1&before=999999' })
  assert.equal((two.json as unknown[]).length, 1)
  const wrong = await invoke({ path: '/api/v1/deployments/orion/actions', query: 'limit=none' })
  assert.deepEqual([wrong.statusCode, codeOf(wrong)], [400, 'bad_request'])
})

test('Cookies are ignored', async () => {
  const cookies = ['visit=abc', `authorization=${encodeURIComponent(adminHeader)}`]
  const answer = await invoke({ path: '/api/v1/log/1', cookies })
  assert.deepEqual([answer.statusCode, codeOf(answer)], [401, 'unauthenticated'])
  assert.equal((await invoke({ path: '/api/v1/project_name', cookies })).statusCode, 200)
})

test('Admin endpoints need the admin header', async () => {
  const path = '/api/v1/actions/1/output'
  assert.equal((await invoke({ path })).statusCode, 401)
  const wrong = await invoke({ path, headers: { authorization: 'Bearer no' } })
  assert.deepEqual([wrong.statusCode, codeOf(wrong)], [401, 'unauthenticated'])
  const right = await invoke({ path, headers: admin })
  assert.equal(right.statusCode, 200)
})

test('A stream returns the output so far and ends', async () => {
  const created = await createApiClient(system.url).create('draco')
  const actionId = Number(created.headers.get('octopod-action-id'))
  await createApiClient(system.url).waitForActionEnd(actionId)
  const answer = await invoke({ path: `/api/v1/actions/${actionId}/output/stream`, headers: admin })
  assert.equal(answer.headers['content-type'], 'text/event-stream')
  assert.match(answer.body, /event: chunk\ndata: .*create of draco done/)
  assert.match(answer.body, /event: end\ndata: \{"state":"succeeded"\}\n\n$/)
})

test('An unknown path is 404, a wrong method 405, a wrong content type 415, a too large body 413', async () => {
  const path = await invoke({ path: '/api/v1/unknown' })
  assert.deepEqual([path.statusCode, codeOf(path)], [404, 'not_found'])
  const unknown = await invoke({ path: '/api/v1/deployments/unknown/full_info' })
  assert.deepEqual([unknown.statusCode, codeOf(unknown)], [404, 'no_such_deployment'])
  const method = await invoke({ method: 'PATCH', path: '/api/v1/deployments', headers: json, body: '{}' })
  assert.deepEqual([method.statusCode, codeOf(method)], [405, 'method_not_allowed'])
  const type = await invoke({ method: 'POST', path: '/api/v1/deployments', body: createBody('ara') })
  assert.deepEqual([type.statusCode, codeOf(type)], [415, 'wrong_media_type'])
  const body = 'x'.repeat(1024 * 1024 + 1)
  const large = await invoke({ method: 'POST', path: '/api/v1/deployments', headers: json, body })
  assert.deepEqual([large.statusCode, codeOf(large)], [413, 'too_large'])
})

test('A request from another origin is rejected', async () => {
  const headers = { ...json, origin: 'https://evil.example.com' }
  const answer = await invoke({
    method: 'POST',
    path: '/api/v1/deployments',
    headers,
    body: createBody('ara'),
  })
  assert.deepEqual([answer.statusCode, codeOf(answer)], [403, 'wrong_origin'])
  const own = { ...json, origin: `https://${recorded.headers.host}` }
  const accepted = await invoke({
    method: 'POST',
    path: '/api/v1/deployments',
    headers: own,
    body: createBody('ara'),
  })
  assert.equal(accepted.statusCode, 200)
})

test('A named stage is removed from the path', async () => {
  const answer = await invoke({ path: '/api/v1/project_name', stage: 'prod' })
  assert.deepEqual([answer.statusCode, answer.json], [200, 'octopod'])
})

test('Events with payload 1.0 are answered, and events of a load balancer for an allowed host', async () => {
  const { rawPath: _, requestContext: __, ...rest } = recorded
  const v1 = { ...rest, version: '1.0', httpMethod: 'GET', path: '/api/v1/ping', multiValueHeaders: {} }
  const payloadV1 = {
    ...v1,
    requestContext: { stage: 'prod', httpMethod: 'GET', path: '/prod/api/v1/ping', domainName: 'x' },
  }
  const loadBalanced = (host: string) => ({
    ...v1,
    multiValueHeaders: { host: [host] },
    requestContext: { elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:x' } },
  })
  const statusOf = async (event: unknown) =>
    ((await lambda.handler(event as Event)) as LambdaResponse).statusCode
  assert.equal(await statusOf(payloadV1), 200)
  assert.equal(await statusOf(loadBalanced('octopod.elb.amazonaws.com')), 200)
  assert.equal(await statusOf(loadBalanced('evil.example')), 421)
})
