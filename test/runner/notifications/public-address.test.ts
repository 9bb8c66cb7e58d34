/** Which addresses webhooks may be sent to without permission in the policy. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { request } from 'undici'
import { dispatcherFor, isPublicAddress } from '../../../runner/notifications/public-address.ts'

test('Addresses of private, local and reserved networks are not public, in any notation', () => {
  const notPublic = [
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '192.168.1.1',
    '192.0.2.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:db8::1',
    'fc00::1',
    'fd12::1',
    'fe80::1',
    'ff02::1',
    'fec0::1',
    '::7f00:1',
    '100:0:0:1::1',
    '4000::1',
    '64:ff9b:1::7f00:1',
    'localhost',
    '',
  ]
  for (const address of notPublic) assert.equal(isPublicAddress(address), false, address)
  for (const address of ['8.8.8.8', '203.0.114.1', '2606:4700::1111', '::ffff:8.8.8.8'])
    assert.equal(isPublicAddress(address), true, address)
})

test('A connection to a name or an address that is not public is not made, unless the policy allows it', async () => {
  let requests = 0
  const server = createServer((_, response) => {
    requests += 1
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const { port } = server.address() as AddressInfo
  try {
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]']) {
      const call = request(`http://${host}:${port}/`, {
        dispatcher: dispatcherFor({ private_addresses: false }),
      })
      await assert.rejects(call, { name: 'NotPublicAddress' }, host)
    }
    assert.equal(requests, 0)
    const { statusCode } = await request(`http://127.0.0.1:${port}/`, {
      dispatcher: dispatcherFor({ private_addresses: true }),
    })
    assert.equal(statusCode, 200)
  } finally {
    await new Promise((resolve) => {
      server.close(resolve)
      server.closeAllConnections()
    })
  }
})
