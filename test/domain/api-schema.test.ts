/** The endpoint table against contract §4, which is repeated here as data. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { actionsQuery, api, type EndpointName } from '../../domain/api-schema.ts'
import type { Endpoint } from '../../domain/endpoints.ts'
import { buildPath, configCheckWaitMs, maxConfigCheckSeconds } from '../../domain/endpoints.ts'
import { outputQuery } from '../../domain/output/output-endpoints.ts'

const endpointEntries = Object.entries(api) as [EndpointName, Endpoint][]

test('Every endpoint of the contract exists, with its role', () => {
  const contract = [
    'GET /deployments read',
    'POST /deployments create',
    'PUT /deployments/:name update',
    'DELETE /deployments/:name archive',
    'PATCH /deployments/:name/restore restore',
    'DELETE /deployments/:name/cleanup cleanup',
    'DELETE /deployments/:name/delete delete',
    'GET /deployments/:name/full_info read',
    'GET /deployments/:name/info read',
    'GET /deployments/:name/status read',
    'GET /log/:action_id read_output',
    'GET /deployment_overrides read',
    'GET /deployment_override_keys read',
    'POST /application_overrides read',
    'POST /application_override_keys read',
    'GET /ping open',
    'GET /project_name read',
  ]
  const kept = endpointEntries
    .filter(([, endpoint]) => endpoint.since === '1.6')
    .map(([, { method, path, right }]) => `${method} ${path} ${right}`)
  assert.deepEqual(kept.sort(), contract.sort())
})

test('Method and path are unique, whatever the parameters are', () => {
  const keys = endpointEntries.map(([, { method, path }]) => `${method} ${path.replace(/:\w+/g, ':')}`)
  assert.equal(new Set(keys).size, keys.length)
})

test('Endpoints that change a deployment list idempotency_key_reused, those with a name or id list the missing record', () => {
  for (const [name, { method, path, errors }] of endpointEntries) {
    if (path.startsWith('/deployments/:name') || path === '/deployments') {
      if (method !== 'GET') assert.ok(errors.includes('idempotency_key_reused'), name)
      if (path.includes(':name')) assert.ok(errors.includes('no_such_deployment'), name)
    }
    if (path.includes(':action_id')) assert.ok(errors.includes('no_such_action'), name)
  }
})

test('Clients wait longer than the limit of config_check for exactly the endpoints that run it', () => {
  for (const [name, { errors }] of endpointEntries) {
    const waitMs = configCheckWaitMs(name)
    assert.equal(waitMs !== null, errors.includes('config_rejected'), name)
    if (waitMs !== null) assert.ok(waitMs > maxConfigCheckSeconds * 1000, name)
  }
})

test('A path contains its encoded parameters', () => {
  assert.equal(buildPath('listDeployments'), '/api/v1/deployments')
  assert.equal(buildPath('getFullInfo', { name: 'feature-1' }), '/api/v1/deployments/feature-1/full_info')
  assert.equal(buildPath('getLog', { action_id: 7 }), '/api/v1/log/7')
  assert.equal(
    buildPath('getInfo', { name: 'a/../b?c#d é' }),
    '/api/v1/deployments/a%2F..%2Fb%3Fc%23d%20%C3%A9/info',
  )
})

test('No parameter value leads to another endpoint', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (name) => {
      const path = buildPath('restoreDeployment', { name })
      const [, , , , parameter = '', ...rest] = path.split('/')
      assert.equal(decodeURIComponent(parameter), name)
      assert.deepEqual(rest, ['restore'])
    }),
  )
})

test('A missing parameter throws a TypeError', () => {
  assert.throws(() => buildPath('getInfo'), /getInfo needs the parameter name/)
})

test('Query parameters have defaults and limits', () => {
  assert.deepEqual(outputQuery.parse({}), { after: 0, limit: 200 })
  assert.deepEqual(outputQuery.parse({ after: '12', limit: '1000' }), { after: 12, limit: 1000 })
  assert.deepEqual(actionsQuery.parse({}), { limit: 50 })
  for (const bad of [
    { after: '-1' },
    { after: '1.5' },
    { limit: '0' },
    { limit: '1001' },
    { limit: 'x' },
    { x: '1' },
  ])
    assert.equal(outputQuery.safeParse(bad).success, false, JSON.stringify(bad))
  for (const bad of [{ before: '0' }, { limit: '501' }, { before: '1e99' }])
    assert.equal(actionsQuery.safeParse(bad).success, false, JSON.stringify(bad))
})
