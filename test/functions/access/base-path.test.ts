/** The path of APP_URL in requests. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basePathOf, createPathReader, removeBasePath } from '../../../functions/access/base-path.ts'

test('The base path is the path of APP_URL without its last slash', () => {
  assert.equal(basePathOf({ APP_URL: [] }), '')
  assert.equal(basePathOf({ APP_URL: ['https://example.com'] }), '')
  assert.equal(basePathOf({ APP_URL: ['https://example.com/tools/octopod', 'https://b'] }), '/tools/octopod')
})

test('A path is read with the base path and without it', () => {
  for (const [path, expected] of [
    ['/octopod', '/'],
    ['/octopod/', '/'],
    ['/octopod/event', '/event'],
    ['/event', '/event'],
    ['/octopods/event', '/octopods/event'],
    ['/octopod/octopod', '/octopod'],
  ] as const)
    assert.equal(removeBasePath(path, '/octopod'), expected, path)
  assert.equal(createPathReader('/octopod')(new Request('http://a/octopod/log/1?x=/octopod')), '/log/1')
})
