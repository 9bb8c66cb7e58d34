/** The OpenAPI document: complete, equal to the endpoint table, and served as a page. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Hono } from 'hono'
import { z } from 'zod'
import { actionKinds } from '../../../domain/actions.ts'
import { api, type EndpointName } from '../../../domain/api-schema.ts'
import type { Endpoint } from '../../../domain/endpoints.ts'
import { apiPrefix } from '../../../domain/endpoints.ts'
import { errorBody, errorCodes } from '../../../domain/errors.ts'
import { createOpenapiDocument } from '../../../functions/openapi/document.ts'
import { examples } from '../../../functions/openapi/examples.ts'
import { createOpenapiHandlers, docsStylesheet } from '../../../functions/openapi/handlers.ts'
import type { Operation } from '../../../functions/openapi/operation.ts'

const document = createOpenapiDocument()
const { openapi, docsPage } = createOpenapiHandlers({ NAME_MAX_LENGTH: 16 })
const names = Object.keys(api) as EndpointName[]
const operationOf = (name: EndpointName): Operation => {
  const path = apiPrefix + api[name].path.replace(/:(\w+)/g, '{$1}')
  const operation = document.paths[path]?.[api[name].method.toLowerCase()]
  assert.ok(operation, name)
  return operation
}
const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods))

function* objectsIn(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield value as Record<string, unknown>
  for (const child of Object.values(value)) yield* objectsIn(child)
}

function resolve(ref: string): unknown {
  const parts = ref.replace(/^#\//, '').split('/')
  return parts.reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], document)
}

test('Every endpoint of the table is an operation with its summary, and the paths outside the table are described', () => {
  for (const name of names) {
    assert.equal(operationOf(name).operationId, name)
    assert.equal(operationOf(name).summary, api[name].summary)
  }
  for (const path of ['/event', '/config.json', '/healthz', '/readyz']) assert.ok(document.paths[path], path)
})

test('Operation ids are unique, and every tag is declared', () => {
  const ids = operations.map((operation) => operation.operationId)
  assert.equal(new Set(ids).size, ids.length)
  const declared = document.tags.map((tag) => tag.name as string)
  for (const { tags } of operations) for (const tag of tags) assert.ok(declared.includes(tag), tag)
})

test('Every reference resolves', () => {
  let count = 0
  for (const { $ref } of objectsIn(document)) {
    if (typeof $ref !== 'string') continue
    count += 1
    assert.ok(resolve($ref), $ref)
  }
  assert.ok(count > 50)
})

test('Every response names its request id and the version of the API', () => {
  let count = 0
  for (const { operationId, responses } of operations)
    for (const [status, { headers }] of Object.entries(responses)) {
      // The answer of an upgrade is written by ws.
      if (status === '101') continue
      count += 1
      assert.ok(headers['X-Request-Id'] && headers['Octopod-Version'], `${operationId} ${status}`)
    }
  assert.ok(count > 200)
})

test('Path parameters are exactly those of the path', () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    const expected = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
    for (const { parameters, operationId } of Object.values(methods)) {
      const declared = parameters.filter((parameter) => parameter.in === 'path')
      assert.deepEqual(
        declared.map((parameter) => parameter.name),
        expected,
        operationId,
      )
      assert.ok(declared.every((parameter) => parameter.required === true))
    }
  }
})

test('Rights become security requirements, and the description names the roles that have them', () => {
  for (const name of names)
    assert.equal(operationOf(name).security.length, api[name].right === 'open' ? 0 : 4, name)
  assert.match(
    operationOf('cleanupDeployment').description,
    /`cleanup`: developer \(own deployments\), operator, admin\./,
  )
})

test('Every error of the table is described under its status with its code', () => {
  for (const name of names) {
    const { responses } = operationOf(name)
    for (const code of (api[name] as Endpoint).errors) {
      const response = responses[errorCodes[code].status]
      assert.ok(response?.description.includes(`\`${code}\``), `${name}: ${code}`)
    }
  }
})

test('The answers to a missing credential, a too large body and a foreign origin are described', () => {
  const statusesOf = (name: EndpointName) => Object.keys(operationOf(name).responses)
  const expected = ['401', '403', '413', '415', '422']
  assert.deepEqual(
    expected.filter((status) => !statusesOf('createDeployment').includes(status)),
    [],
  )
  assert.ok(statusesOf('getLog').includes('403'))
  assert.ok(!statusesOf('ping').includes('401'))
})

test('Errors are JSON with a code, but config_rejected is plain text', () => {
  const content = operationOf('createDeployment').responses['400']?.content ?? {}
  assert.deepEqual(Object.keys(content).sort(), ['application/json', 'text/plain'])
  const bodies = z.fromJSONSchema(standalone(content['application/json']?.schema ?? {}))
  assert.ok(bodies.safeParse(errorBody('bad_name', 'x')).success)
  assert.ok(bodies.safeParse(errorBody('bad_request', 'no')).success)
  assert.ok(!bodies.safeParse(errorBody('busy', 'no')).success)
})

test('The list describes its ETag and 304, the commands their keys and the returned action id', () => {
  for (const name of ['listDeployments', 'listDeploymentNames'] as const) {
    const list = operationOf(name)
    assert.ok(list.responses['304'])
    assert.ok(list.responses['200']?.headers.ETag)
    assert.ok(list.parameters.some((parameter) => parameter.name === 'If-None-Match'))
  }
  const create = operationOf('createDeployment')
  assert.ok(create.parameters.some((parameter) => parameter.name === 'Idempotency-Key'))
  assert.ok(create.parameters.some((parameter) => parameter.name === 'Octopod-Fingerprint'))
  assert.ok(create.responses['200']?.headers['Octopod-Action-Id'])
  const typesOf = (name: EndpointName) => Object.keys(operationOf(name).responses['200']?.content ?? {})
  assert.deepEqual(typesOf('streamOutput'), ['text/event-stream'])
  assert.deepEqual(typesOf('ping'), ['text/plain'])
})

test('Only endpoints that start or cancel an action return its id', () => {
  const returning = names.filter((name) => operationOf(name).responses['200']?.headers['Octopod-Action-Id'])
  assert.deepEqual(
    returning.sort(),
    [...actionKinds.map((kind) => `${kind}Deployment`), 'cancelAction'].sort(),
  )
})

test('Readers that know neither prefixItems nor schemas of event streams understand the answers', () => {
  const { schema } = operationOf('streamOutput').responses['200']?.content?.['text/event-stream'] ?? {}
  assert.deepEqual(schema, {})
  const { Pairs } = document.components.schemas as Record<string, unknown>
  const pair = { type: 'array', items: { type: 'string' }, minItems: 2, maxItems: 2 }
  assert.deepEqual(Pairs, { type: 'array', items: pair })
})

test('Every example matches the zod schema and the JSON Schema of its endpoint', () => {
  for (const name of names) {
    const { body, response }: Endpoint = api[name]
    const operation = operationOf(name)
    if (body !== undefined) {
      assert.ok(body.safeParse(examples[name].body).success, `${name}: body`)
      const schema = operation.requestBody?.content['application/json']?.schema ?? {}
      assert.ok(z.fromJSONSchema(standalone(schema)).safeParse(examples[name].body).success, name)
    }
    if (typeof response === 'string') continue
    assert.deepEqual(response.parse(examples[name].response), examples[name].response, name)
    const schema = operation.responses['200']?.content?.['application/json']?.schema ?? {}
    assert.ok(z.fromJSONSchema(standalone(schema)).safeParse(examples[name].response).success, name)
  }
})

test('Request schemas are closed, and response schemas are open to additions', () => {
  const schemas = document.components.schemas as Record<string, Record<string, unknown>>
  assert.equal(schemas.CreateBody?.additionalProperties, false)
  for (const { additionalProperties } of objectsIn([schemas.FullInfo, schemas.Action, schemas.Overrides]))
    assert.equal(additionalProperties, undefined)
})

/** A schema of the document with all schemas it refers to. */
function standalone(schema: Record<string, unknown>): z.core.JSONSchema.JSONSchema {
  const text = JSON.stringify({ ...schema, $defs: document.components.schemas })
  return JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/'))
}

const app = new Hono()
  .get('/api/v1/openapi.json', openapi)
  .get('/api/v1/docs', docsPage)
  .get('/api/v1/docs.css', docsStylesheet)

test('The document, the page and its stylesheet are served with ETags', async () => {
  for (const [path, type] of [
    ['openapi.json', 'application/json'],
    ['docs', 'text/html; charset=utf-8'],
    ['docs.css', 'text/css; charset=utf-8'],
  ] as const) {
    const first = await app.request(`/api/v1/${path}`)
    assert.equal(first.status, 200)
    assert.equal(first.headers.get('content-type'), type)
    assert.equal(first.headers.get('x-content-type-options'), 'nosniff')
    const headers = { 'If-None-Match': first.headers.get('etag') ?? '' }
    assert.equal((await app.request(`/api/v1/${path}`, { headers })).status, 304)
  }
  const served = await (await app.request('/api/v1/openapi.json')).json()
  assert.equal(served.openapi, '3.1.0')
})

test('The page needs no script and no inline style, and shows every endpoint with a curl example', async () => {
  const response = await app.request('/api/v1/docs')
  assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'; style-src 'self'/)
  const html = await response.text()
  assert.doesNotMatch(html, /<script|<style|\sstyle=|\son\w+=|javascript:|undefined|\[object/)
  for (const name of names) assert.ok(html.includes(`<section id="${name}">`), name)
  assert.equal(html.match(/<pre tabindex="0"><code>curl /g)?.length, operations.length)
  for (const [, target] of html.matchAll(/href="#([^"]+)"/g))
    assert.ok(html.includes(`id="${target}"`), String(target))
})
