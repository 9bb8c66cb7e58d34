/** A rejected websocket upgrade gets an answer, and its connection is closed. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import { pino } from 'pino'
import { createWebSocketRelay } from '../../../functions/live/websocket.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { serverSettings, testAccess, testAuth } from '../access/fixtures.ts'
import { testSecrets } from '../secrets/fixtures.ts'

const settings = serverSettings({ APP_AUTHORIZATION_HEADER: 'Bearer the-users' })
const upgrade = [
  'GET /event HTTP/1.1',
  'Host: localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]

test('The connection of a rejected client is closed even when the client keeps its side open', async (t) => {
  const http = createServer()
  const log = pino({ level: 'silent' })
  const live = createWebSocketRelay(http, {
    settings,
    access: testAccess(settings),
    auth: testAuth(settings),
    secrets: testSecrets,
    audit: {
      recordRefusal: async () => {},
      countUnidentified: () => {},
      recordOutputRead: async () => {},
      recordAppLogRead: async () => {},
      close: async () => {},
    },
    log,
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  t.after(() => {
    client.destroy()
    http.close()
    return live.close()
  })
  let text = ''
  client.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  client.write(`${upgrade.join('\r\n')}\r\n\r\n`)
  await once(client, 'end')
  assert.match(text, /^HTTP\/1\.1 401 /)
  assert.match(text, /\r\nWWW-Authenticate: Octopod /)
  await waitFor('the server has closed the connection', async () => {
    const open = await new Promise((resolve) => http.getConnections((_, count) => resolve(count)))
    return { done: open === 0, value: null, seen: open }
  })
  http.close()
  await once(http, 'close')
})
