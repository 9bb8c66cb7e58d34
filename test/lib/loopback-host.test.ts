import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopbackHost } from '../../lib/loopback-host.ts'

test('Loopback hosts are localhost, its subdomains, 127.0.0.0/8 and ::1, as URLs write them', () => {
  for (const host of [
    'localhost',
    'LOCALHOST',
    'a.localhost',
    '127.0.0.1',
    '127.1',
    '2130706433',
    '[::1]',
    '[0:0::1]',
  ])
    assert.ok(isLoopbackHost(new URL(`http://${host}:1`).hostname), host)
  for (const host of [
    'localhost.example.com',
    '127.0.0.1.example.com',
    'xlocalhost',
    '[::2]',
    '10.0.0.1',
    '0.0.0.0',
    '[::ffff:127.0.0.1]',
  ])
    assert.ok(!isLoopbackHost(new URL(`http://${host}:1`).hostname), host)
})
