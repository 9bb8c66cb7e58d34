/** What only the browser can find out: whether websocket and stream pass the proxies between, and its clock. Called by doctor-model.ts. */
import type { ApiClient } from '../../client/call-endpoint.ts'
import { openStream } from '../../client/output-stream.ts'
import { hasEnded } from '../../domain/actions.ts'
import { type Finding, okFinding, toFinding } from '../../domain/doctor/finding-codes.ts'
import { withTimeout } from '../../lib/with-timeout.ts'
import type { AppContext } from '../app-context.ts'
import type { Socket } from '../live/live-connection.ts'
import { openWebSocket } from '../live/websocket.ts'

const timeoutMs = 6000
/** The server keeps the stream open for longer than this check waits. */
const holdSeconds = 10
const beyondLastSeq = 1_000_000_000
const clockToleranceMs = 30_000

export async function examineBrowser(app: AppContext): Promise<Finding[]> {
  const [websocket, stream] = await Promise.all([
    receivesMessage(openWebSocket(location, app.session.authorization.peek())),
    receivesStream(app.client, findEndedAction(app)),
  ])
  const found = [
    ...(websocket
      ? []
      : [
          toFinding(
            'websocket_blocked',
            `No greeting from /event within ${timeoutMs / 1000} s; this page polls instead.`,
          ),
        ]),
    ...(stream === false
      ? [
          toFinding(
            'stream_buffered',
            `The output stream sent nothing within ${timeoutMs / 1000} s; output appears late.`,
          ),
        ]
      : []),
  ]
  if (found.length > 0) return found
  return [
    okFinding(
      'connection',
      stream === null ? 'websocket connected' : 'websocket connected, output arrives while it is written',
    ),
  ]
}

/** Null: the clocks agree. */
export function judgeClock(serverTime: string, receivedAtMs: number): Finding | null {
  const offsetMs = receivedAtMs - Date.parse(serverTime)
  if (Math.abs(offsetMs) <= clockToleranceMs) return null
  const seconds = Math.round(Math.abs(offsetMs) / 1000)
  return toFinding(
    'client_clock',
    `The clock of this machine is ${seconds} s ${offsetMs > 0 ? 'ahead of' : 'behind'} that of the server.`,
  )
}

export async function receivesMessage(socket: Socket): Promise<boolean> {
  const answered = Promise.withResolvers<boolean>()
  socket.onmessage = () => answered.resolve(true)
  socket.onclose = () => answered.resolve(false)
  const isReceived = await withTimeout(answered.promise, timeoutMs, () => false)
  socket.close()
  return isReceived
}

/** Requests only the end of the stream. Null: there is nothing to read, or this caller may not. */
async function receivesStream(client: ApiClient, actionId: number | null): Promise<boolean | null> {
  if (actionId === null) return null
  const signal = AbortSignal.timeout(timeoutMs)
  const options = { after: beyondLastSeq, hold: holdSeconds, silenceTimeoutMs: 2 * timeoutMs, signal }
  try {
    const { done, value } = await openStream(client, actionId, options).next()
    return done === true && value !== null
  } catch {
    return signal.aborted ? false : null
  }
}

function findEndedAction({ store }: AppContext): number | null {
  for (const name of store.rows.keys()) {
    const action = store.rows.get(name)?.value.last_action
    if (action && hasEnded(action.state)) return action.action_id
  }
  return null
}
