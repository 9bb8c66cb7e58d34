/** Every endpoint of the table has a section in docs/api.md and somebody who calls it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { api, type EndpointName } from '../../domain/api-schema.ts'
import { sections } from './markdown.ts'
import { read, sources, topFolderOf } from './repository.ts'

const names = Object.keys(api) as EndpointName[]
const documented = sections('docs/api.md', 3)

test('every endpoint has a section, and no section is left over', () => {
  const wanted = names.map((name) => `${api[name].method} ${api[name].path}`)
  assert.deepEqual([...documented.keys()].sort(), wanted.sort())
})

test('a section says who may ask and whether the endpoint is new', () => {
  for (const name of names) {
    const { method, path, role, ours } = api[name]
    const text = documented.get(`${method} ${path}`) ?? ''
    assert.ok(text.trim().startsWith(`Role ${role}.`), name)
    assert.equal(/[*_]2\.0[*_]/.test(text), ours, name)
  }
})

test('paths are unique, parameters are among the known ones', () => {
  const keys = names.map((name) => `${api[name].method} ${api[name].path}`)
  assert.equal(new Set(keys).size, keys.length)
  for (const name of names)
    for (const [, parameter = ''] of api[name].path.matchAll(/:(\w+)/g))
      assert.ok(['name', 'action_id'].includes(parameter), name)
})

/** Endpoints that neither octo nor the page calls, and for whom they are. */
const externalOnly: Partial<Record<EndpointName, string>> = {
  getProjectName: 'for programs of Octopod 1.6; octo and the page ask whoami',
}

test('every endpoint is called by octo or the page, or is there for others', () => {
  const clients = sources().filter((path) => ['octo', 'web'].includes(topFolderOf(path)))
  const calls = clients.map(read).join('\n')
  const idle = names.filter((name) => !new RegExp(`\\b${name}\\b`).test(calls))
  assert.deepEqual(
    idle.filter((name) => !(name in externalOnly)),
    [],
  )
  assert.deepEqual(
    Object.keys(externalOnly).filter((name) => !idle.includes(name as EndpointName)),
    [],
    'called after all',
  )
})
