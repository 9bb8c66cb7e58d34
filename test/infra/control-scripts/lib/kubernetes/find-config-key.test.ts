/** Finding the config key that caused a problem. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importModule } from '../../control-scripts.ts'

type Problem = { kind?: string; name?: string; paths: string[]; message: string }
const { findKeyByValue, findKeyByPath } = await importModule<{
  findKeyByValue(problem: Problem, documents: object[], pairs: [string, string][]): string | null
  findKeyByPath(path: string, pairs: [string, string][]): string | null
}>('lib/kubernetes/find-config-key.mjs')

test('The key is found by the value of the wrong field, or by the name of an unknown field', () => {
  const documents = [
    {
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: { replicas: 'two', template: { containers: [{ image: 'x:vv1' }] } },
    },
    { kind: 'Deployment', metadata: { name: 'other' }, spec: { replicas: 'three' } },
  ]
  const pairs: [string, string][] = [
    ['a.name', 'web'],
    ['b.count', 'three'],
    ['c.count', 'two'],
    ['d.tag', 'vv1'],
    ['e.foo', '1'],
  ]
  const keyFor = (paths: string[], message = '', name = 'web') =>
    findKeyByValue({ kind: 'Deployment', name, paths, message }, documents, pairs)
  assert.equal(keyFor(['spec.replicas']), 'c.count')
  assert.equal(keyFor(['spec.replicas'], '', 'other'), 'b.count')
  assert.equal(keyFor(['spec.template.containers[0].image']), 'd.tag')
  assert.equal(keyFor(['spec.x.foo'], 'unknown field "spec.x.foo"'), 'e.foo')
  assert.equal(keyFor(['spec.nowhere']), null)
  assert.equal(
    findKeyByPath('image.tag', [
      ['image.tag.x', '1'],
      ['image', '2'],
    ]),
    'image.tag.x',
  )
  assert.equal(findKeyByPath('hosts[0].name', [['hosts[0]', '1']]), 'hosts[0]')
  assert.equal(findKeyByPath('a', [['ab', '1']]), null)
})
