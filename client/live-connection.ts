/** Carries out the effects of live-protocol.ts: opens websockets and runs its time limits. Used by the live-connection.ts of web and octo. */
import type { ChangeEvent, LiveMessage } from '../domain/event.ts'
import { backoffMs } from '../lib/backoff.ts'
import { type LiveInput, type LiveState, type LiveStep, startLive, stepLive } from './live-protocol.ts'
import { parseJson } from './parse-json.ts'

/** The part of WebSocket that is used here. */
export type Socket = {
  onmessage: Handler<{ data: unknown }>
  onclose: Handler<{ code: number }>
  close(): void
}
/** The type of a method, so that the sockets of browsers and of undici fit, whose events have more fields. */
type Handler<Event> = { handle(event: Event): void }['handle'] | null

export type LiveOptions = {
  connect(): Socket
  apply(event: ChangeEvent): void
  /** Fetches the list; returns true on success. */
  refresh(): Promise<boolean> | boolean
  /** Called after every change of the state. */
  onState?: (state: LiveState) => void
  /** The view of the last list; null: not known. Without it the list has the view of the last message. */
  listView?: (() => string | null) | undefined
  /** The server has closed the connection because the session has ended, or the right to read. */
  onRefused?: (() => void) | undefined
  /** The rights of the caller may have changed. */
  onRightsChanged?: (() => void) | undefined
  /** Asks the server why it opens no websocket. Without it nothing is asked. */
  explainFailure?: (() => Promise<string>) | undefined
  random?: (() => number) | undefined
  initialBackoffMs?: number | undefined
  /** Time limit for the first message. */
  connectTimeoutMs?: number | undefined
}

export type LiveClient = {
  state(): LiveState
  send(input: LiveInput): void
}

const maxBackoffMs = 20_000

/** Opens the first websocket at once. */
export function openLive(options: LiveOptions): LiveClient {
  const { random = Math.random, initialBackoffMs = 500, connectTimeoutMs = 10_000 } = options
  let state: LiveState
  let socket: Socket | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  const steps: LiveStep[] = []
  let isRunning = false

  const send = (input: LiveInput) => run(stepLive(state, input, Date.now(), connectTimeoutMs))

  /** An effect may send the next input; its effects come after the present ones. */
  const run = (step: LiveStep) => {
    state = step.state
    steps.push(step)
    options.onState?.(state)
    if (isRunning) return
    isRunning = true
    try {
      for (let next = steps.shift(); next !== undefined; next = steps.shift())
        for (const effect of next.effects) carryOut(effect)
    } finally {
      isRunning = false
    }
  }

  const carryOut = (effect: LiveStep['effects'][number]) => {
    switch (effect.type) {
      case 'connect':
        dropSocket()
        socket = open(effect.socket)
        return setTimer(effect.timeoutMs)
      case 'expect':
        return setTimer(effect.timeoutMs)
      case 'wait':
        dropSocket()
        return setTimer(backoffMs(effect.attempt, initialBackoffMs, maxBackoffMs, random()))
      case 'stop':
        dropSocket()
        return clearTimeout(timer)
      case 'apply':
        return options.apply(effect.event)
      case 'refresh':
        return void refresh(effect.socket)
      case 'probe':
        return void probe()
      case 'refused':
        return options.onRefused?.()
      case 'rights_changed':
        return options.onRightsChanged?.()
    }
  }

  const open = (number: number): Socket => {
    const opened = options.connect()
    opened.onmessage = ({ data }) => {
      const message = parseJson<LiveMessage>(String(data))
      send({ type: 'message', socket: number, message, listView: options.listView?.() })
    }
    opened.onclose = ({ code }) => send({ type: 'socket_closed', socket: number, code })
    return opened
  }
  const dropSocket = () => {
    const previous = socket
    socket = null
    if (previous === null) return
    previous.onclose = null
    previous.onmessage = null
    previous.close()
  }
  const setTimer = (ms: number) => {
    clearTimeout(timer)
    timer = setTimeout(() => send({ type: 'timeout' }), ms)
  }
  const refresh = async (number: number | null) => {
    const succeeded = await options.refresh()
    if (number !== null) send({ type: 'refreshed', socket: number, succeeded })
  }
  /** Proxies may pass requests and no websockets. */
  const probe = async () => {
    if (options.explainFailure === undefined) return
    const isReachable = await options.refresh()
    const problem = isReachable ? await options.explainFailure() : null
    send({ type: 'probed', isReachable, problem })
  }

  run(startLive(connectTimeoutMs))
  return { state: () => state, send }
}
