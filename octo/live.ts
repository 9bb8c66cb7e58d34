/**
 * Hears from the websocket what changes, and comes back after every cut. It only ever hints: who listens looks again
 * on `refresh`, which comes with every new connection and after every gap. Called by wait.ts and commands/watch.ts.
 */
import { WebSocket } from 'undici'
import type { ChangeEvent } from '../domain/event.ts'
import { type Octopod, plainHeaders } from './client.ts'
import { openDispatcher, standardLimits } from './dispatcher.ts'
import { parsed } from './json.ts'
import { backoffMs } from './retry.ts'

export type Heard = { type: 'refresh' } | ChangeEvent
export type Live = { hearing(): boolean; close(): void }
type Ways = { hear(heard: Heard): void; firstPauseMs?: number; helloMs?: number }

const slowestMs = 15_000
/** Heartbeats that may be missed. */
const patience = 2.5

export function openLive(
  { connection }: Octopod,
  { hear, firstPauseMs = 500, helloMs = 10_000 }: Ways,
): Live {
  const dispatcher = openDispatcher(connection, standardLimits, true)
  const url = `${connection.origin.replace(/^http/, 'ws')}${connection.prefix}/event`
  let socket: WebSocket | null = null
  let timer: NodeJS.Timeout | undefined
  let attempt = 0
  let seq: number | null = null
  let heartbeatMs = helloMs / patience
  let closed = false

  const open = () => {
    seq = null
    const opened = new WebSocket(url, { dispatcher, headers: plainHeaders(connection) })
    socket = opened
    expect(helloMs)
    opened.onmessage = ({ data }) => {
      if (socket === opened) read(String(data))
    }
    opened.onclose = () => {
      if (socket === opened) reopen()
    }
  }
  const read = (text: string) => {
    const message = parsed('liveMessage', text)
    // Not ours, or of a version we do not know: as good as no connection.
    if (message === null) return reopen()
    if (message.type === 'bye') return reopen()
    if (message.type === 'hello') heartbeatMs = message.heartbeat_ms
    expect(heartbeatMs * patience)
    attempt = 0
    const due = message.type === 'heartbeat' ? seq : (seq ?? 0) + 1
    const missed = seq === null || message.seq !== due
    seq = message.seq
    if (message.type === 'event') hear(message.event)
    if (missed || message.type === 'resync') hear({ type: 'refresh' })
  }
  const expect = (ms: number) => {
    clearTimeout(timer)
    timer = setTimeout(reopen, ms)
  }
  const reopen = () => {
    leave()
    if (closed) return
    timer = setTimeout(open, backoffMs(attempt, firstPauseMs, slowestMs))
    attempt += 1
  }
  const leave = () => {
    clearTimeout(timer)
    const left = socket
    socket = null
    seq = null
    if (left === null) return
    left.onmessage = null
    left.onclose = null
    left.close()
  }

  open()
  return {
    hearing: () => seq !== null,
    close: () => {
      closed = true
      leave()
      void dispatcher.destroy()
    },
  }
}
