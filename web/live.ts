/**
 * Hears what changes from /event and tells honestly how well it hears. A gap in the numbers, a new connection or the
 * server's word make it fetch the list; silence, sleep or a cut make it connect again. The other end: functions/live.ts.
 */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { ChangeEvent, LiveMessage } from '../domain/event.ts'

/** connecting: for the first time. live: nothing is missing. delayed: the server itself hears late. offline: several attempts have failed. */
export type Hearing = 'connecting' | 'live' | 'delayed' | 'reconnecting' | 'offline'

/** What is used of a WebSocket. */
export type Socket = {
  onmessage: ((message: MessageEvent) => void) | null
  onclose: ((event: CloseEvent) => void) | null
  close(): void
}

export type Live = {
  hearing: ReadonlySignal<Hearing>
  /** When the list was last known to be whole by what was heard, in the browser's time; 0: never. */
  heardAt: ReadonlySignal<number>
  /** Connect now if there is any doubt: the machine woke up, the network is back, the person asks. */
  wake(): void
  /** Connect and fetch anew in any case: somebody else is asking now. */
  renew(): void
  close(): void
}

type Ways = {
  connect(): Socket
  apply(event: ChangeEvent): void
  /** Fetches the list; true when it worked. */
  refresh(): Promise<boolean>
  random?: () => number
}

const firstHeartbeatMs = 15_000
/** How long the first word may take, then how many heartbeats may be missed. */
const connectMs = 10_000
const patience = 2.5
/** Attempts that may fail before it is called offline. */
const attemptsBeforeOffline = 3
const slowestMs = 20_000
/** How often the list is fetched while nothing is heard. */
const pollMs = 15_000

/** Half to all of a wait that doubles: many pages must not come back at the same moment. */
export function backoffMs(attempt: number, random: number): number {
  return Math.min(slowestMs, 500 * 2 ** attempt) * (0.5 + random / 2)
}

export function openLive({ connect, apply, refresh, random = Math.random }: Ways): Live {
  const hearing = signal<Hearing>('connecting')
  const heardAt = signal(0)
  let socket: Socket | null = null
  let attempt = 0
  let seq: number | null = null
  let heartbeatMs = firstHeartbeatMs
  let delayed = false
  let retry: ReturnType<typeof setTimeout> | undefined
  let silence: ReturnType<typeof setTimeout> | undefined
  let closed = false

  const start = () => {
    clearTimeout(retry)
    seq = null
    const opened = connect()
    socket = opened
    listenFor(connectMs)
    opened.onmessage = ({ data }) => {
      if (socket === opened) hear(JSON.parse(String(data)) as LiveMessage)
    }
    opened.onclose = () => {
      if (socket === opened) again()
    }
  }

  const hear = (message: LiveMessage) => {
    if (message.type === 'hello') heartbeatMs = message.heartbeat_ms
    listenFor(heartbeatMs * patience)
    const expected = message.type === 'heartbeat' ? seq : (seq ?? 0) + 1
    const missed = seq === null || message.seq !== expected
    seq = message.seq
    if (message.type === 'event') apply(message.event)
    if (message.type === 'bye') return again()
    const before = delayed
    if (message.type === 'hello' || message.type === 'heartbeat') delayed = message.delayed ?? false
    if (missed || delayed !== before || message.type === 'hello' || message.type === 'resync') void catchUp()
    else if (hearing.peek() === 'live') heardAt.value = Date.now()
  }

  /** Live again only when the list has been fetched over this very connection's time. */
  const catchUp = async () => {
    const asked = socket
    const done = await refresh()
    if (closed || socket !== asked) return
    if (!done) return again()
    attempt = 0
    heardAt.value = Date.now()
    hearing.value = delayed ? 'delayed' : 'live'
  }

  const drop = () => {
    const old = socket
    socket = null
    clearTimeout(silence)
    if (old === null) return
    old.onclose = null
    old.onmessage = null
    old.close()
  }

  const again = () => {
    drop()
    if (closed) return
    const waitMs = backoffMs(attempt, random())
    attempt += 1
    if (attempt > attemptsBeforeOffline) hearing.value = 'offline'
    else if (hearing.peek() !== 'connecting') hearing.value = 'reconnecting'
    clearTimeout(retry)
    retry = setTimeout(start, waitMs)
  }

  const listenFor = (ms: number) => {
    clearTimeout(silence)
    silence = setTimeout(again, ms)
  }

  // Where websockets do not pass at all, the page still follows, only later.
  const poll = setInterval(() => {
    if (hearing.peek() !== 'live') void refresh()
  }, pollMs)

  const renew = () => {
    if (closed) return
    drop()
    if (hearing.peek() === 'live') hearing.value = 'reconnecting'
    start()
    // It may be the websockets alone that do not get through.
    void refresh()
  }

  start()
  return {
    hearing,
    heardAt,
    wake: () => {
      const fresh = Date.now() - heardAt.peek() < heartbeatMs * 1.5
      if (hearing.peek() !== 'live' || !fresh) renew()
    },
    renew,
    close: () => {
      closed = true
      clearTimeout(retry)
      clearInterval(poll)
      drop()
    },
  }
}
