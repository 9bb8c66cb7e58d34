/** The address, host and scheme of a client, with and without trusted proxies. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSenderReader } from '../../../functions/access/sender.ts'
import { rawRequest, serverSettings } from './fixtures.ts'

const readerFor = (proxies: string) => createSenderReader(serverSettings({ TRUSTED_PROXIES: proxies }))
const forwarded = {
  host: 'inner:8080',
  'x-forwarded-for': '198.51.100.1, 10.0.0.7',
  'x-forwarded-host': 'spoofed.example, octopod.example.com',
  'x-forwarded-proto': 'https',
}

test('Headers of proxies count only from TRUSTED_PROXIES', () => {
  const none = readerFor('')
  const request = rawRequest(forwarded, '10.0.0.1')
  assert.equal(none.address(request), '10.0.0.1')
  assert.equal(none.host(request), 'inner:8080')
  assert.equal(none.isHttps(request), false)

  const trusting = readerFor('10.0.0.0/8')
  assert.equal(trusting.address(request), '198.51.100.1')
  assert.equal(trusting.host(request), 'octopod.example.com', 'the value of the nearest proxy')
  assert.equal(trusting.isHttps(request), true)

  const stranger = rawRequest(forwarded, '203.0.113.9')
  assert.equal(trusting.address(stranger), '203.0.113.9')
  assert.equal(trusting.host(stranger), 'inner:8080')
  assert.equal(trusting.isHttps(stranger), false)
})

test('The address is the first one from the right that no trusted proxy has', () => {
  const { address } = readerFor('10.0.0.1, fd00::/8')
  const addressOf = (forwardedFor: string, peer = '10.0.0.1') =>
    address(rawRequest({ 'x-forwarded-for': forwardedFor }, peer))
  assert.equal(addressOf('1.1.1.1, 2.2.2.2'), '2.2.2.2')
  assert.equal(addressOf('1.1.1.1, 2.2.2.2', '::ffff:10.0.0.1'), '2.2.2.2')
  assert.equal(addressOf('2.2.2.2:5123'), '2.2.2.2')
  assert.equal(addressOf('[2001:db8::1]:443', 'fd00::5'), '2001:db8::1')
  assert.equal(addressOf('unknown'), '10.0.0.1')
  assert.equal(addressOf(''), '10.0.0.1')
  assert.equal(
    address({ peerAddress: undefined, headers: { get: () => undefined }, countLines: () => 0 }),
    'unknown',
  )
})
