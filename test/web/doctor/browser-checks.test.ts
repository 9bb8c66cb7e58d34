/** The checks of the browser without one: its clock, and a socket that answers, closes or stays silent. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeClock, receivesMessage } from '../../../web/doctor/browser-checks.ts'
import type { Socket } from '../../../web/live/live-connection.ts'

test('A clock is wrong when it differs by more than 30 seconds', () => {
  const serverTime = '2026-03-01T10:00:00.000Z'
  const at = Date.parse(serverTime)
  assert.equal(judgeClock(serverTime, at + 30_000), null)
  assert.match(judgeClock(serverTime, at + 31_000)?.message ?? '', /31 s ahead of that of the server/)
  assert.match(judgeClock(serverTime, at - 90_000)?.message ?? '', /90 s behind that of the server/)
})

test('A socket works when it brings a message, not when it closes or stays silent', async (t) => {
  let closed = 0
  const socketThat = (act: (socket: Socket) => void): Socket => {
    const socket: Socket = {
      onmessage: null,
      onclose: null,
      close: () => {
        closed += 1
      },
    }
    queueMicrotask(() => act(socket))
    return socket
  }
  assert.equal(await receivesMessage(socketThat((socket) => socket.onmessage?.({ data: '{}' }))), true)
  assert.equal(await receivesMessage(socketThat((socket) => socket.onclose?.({ code: 1006 }))), false)
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const silent = receivesMessage(socketThat(() => {}))
  t.mock.timers.tick(6000)
  assert.equal(await silent, false)
  assert.equal(closed, 3)
})
