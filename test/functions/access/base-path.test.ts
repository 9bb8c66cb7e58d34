/** The path of APP_URL in requests. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basePathOf, createPathReader } from '../../../functions/access/base-path.ts'

test('The base path is the path of APP_URL without its last slash', () => {
  assert.equal(basePathOf({ APP_URL: [] }), '')
  assert.equal(basePathOf({ APP_URL: ['https://example.com'] }), '')
  assert.equal(basePathOf({ APP_URL: ['https://example.com/tools/octopod', 'https://b'] }), '/tools/octopod')
})

const APP_URL = ['https://example.com/octopod']

test('A path that the proxy passes on is removed once, and paths outside of it are not found', () => {
  const paths = createPathReader({ APP_URL, PROXY_PATH: 'passed' })
  for (const [path, expected] of [
    ['/octopod', '/'],
    ['/octopod/', '/'],
    ['/octopod/event', '/event'],
    ['/octopod/octopod', '/octopod'],
  ] as const)
    assert.equal(paths.read(path), expected, path)
  for (const path of ['/event', '/', '/octopods/event'])
    assert.throws(() => paths.read(path), /below \/octopod \(APP_URL\)/, path)
  assert.equal(paths.ofRequest(new Request('http://a/octopod/log/1?x=/octopod')), '/log/1')
})

test('Where the proxy removes the path, a path that has it is not found', () => {
  const paths = createPathReader({ APP_URL, PROXY_PATH: 'removed' })
  assert.equal(paths.read('/event'), '/event')
  assert.equal(paths.read('/octopods/event'), '/octopods/event')
  for (const path of ['/octopod', '/octopod/config.json'])
    assert.throws(() => paths.read(path), /PROXY_PATH=removed/, path)
})

test('Without a path in APP_URL every path is itself', () => {
  for (const PROXY_PATH of ['passed', 'removed'] as const)
    assert.equal(createPathReader({ APP_URL: ['https://a'], PROXY_PATH }).read('/octopod/x'), '/octopod/x')
})
