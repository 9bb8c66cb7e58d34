/** Every endpoint is documented in docs/api.md and called by octo, by the page or by other programs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { api, type EndpointName } from '../../domain/api-schema.ts'
import { sections } from './markdown.ts'
import { read, sources, topFolderOf } from './repository.ts'

const names = Object.keys(api) as EndpointName[]
const documented = sections('docs/api.md', 3)

test('Every endpoint has a section in docs/api.md, and every section an endpoint', () => {
  const wanted = names.map((name) => `${api[name].method} ${api[name].path}`)
  assert.deepEqual([...documented.keys()].sort(), wanted.sort())
})

test('A section states the right and whether the endpoint is new', () => {
  for (const name of names) {
    const { method, path, right, since } = api[name]
    const text = documented.get(`${method} ${path}`) ?? ''
    assert.ok(text.trim().startsWith(`Right ${right}.`), name)
    assert.equal(/[*_]2\.0[*_]/.test(text), since === '2.0', name)
  }
})

test('Paths are unique, and their parameters are known', () => {
  const keys = names.map((name) => `${api[name].method} ${api[name].path}`)
  assert.equal(new Set(keys).size, keys.length)
  for (const name of names)
    for (const [, parameter = ''] of api[name].path.matchAll(/:(\w+)/g))
      assert.ok(
        ['name', 'action_id', 'session_id', 'token_id', 'delivery_id', 'what'].includes(parameter),
        name,
      )
})

/** Endpoints that neither octo nor the page calls, and their users. */
const externalOnly: Partial<Record<EndpointName, string>> = {
  getProjectName: 'programs of Octopod 1.6; octo and the page call whoami',
}

test('Every endpoint is called by octo or the page, or is listed as external', () => {
  const clients = sources().filter((path) => ['octo', 'web'].includes(topFolderOf(path)))
  const calls = clients.map(read).join('\n')
  const uncalled = names.filter((name) => !new RegExp(`\\b${name}\\b`).test(calls))
  assert.deepEqual(
    uncalled.filter((name) => !(name in externalOnly)),
    [],
  )
  assert.deepEqual(
    Object.keys(externalOnly).filter((name) => !uncalled.includes(name as EndpointName)),
    [],
    'called by octo or the page',
  )
})
