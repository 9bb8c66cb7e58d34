/**
 * undici's Agent for the package, on Node's own http: loading undici takes as long as everything else octo does in a `list`.
 * Websockets go to undici after all. Put in its place by bundle.ts.
 */
import type { Agent, ClientRequest, IncomingMessage } from 'node:http'
import { type Asked, bodyOf, coded, type Got, type Options, type Undici } from './agent-parts.ts'

/** `load` gives undici's own Agent of the same options. */
export function openAgent(options: Options, load: () => Undici): Undici {
  let loaded: Undici | null = null
  let agent: Agent | null = null
  const leaving = new AbortController()
  return {
    request: (asked) => {
      // Not imported: of a module of Node an import would evaluate every export, also those that load undici.
      const protocol = process.getBuiltinModule(
        asked.origin.startsWith('https:') ? 'node:https' : 'node:http',
      )
      agent ??= new protocol.Agent({ keepAlive: true, ca: options.connect.ca })
      const request = (signal: AbortSignal) =>
        protocol.request(asked.origin + asked.path, {
          method: asked.method,
          headers: asked.headers,
          agent: agent ?? undefined,
          signal,
        })
      return exchange({ ...options, ...asked }, options.connect.timeout, leaving.signal, request)
    },
    dispatch: (...asked) => {
      loaded ??= load()
      return loaded.dispatch(...asked)
    },
    destroy: async () => {
      leaving.abort(coded('UND_ERR_DESTROYED'))
      agent?.destroy()
      await loaded?.destroy()
    },
  }
}

async function exchange(
  { headersTimeout, bodyTimeout, body = null, signal }: Asked & Options,
  connectMs: number,
  leaving: AbortSignal,
  open: (signal: AbortSignal) => ClientRequest,
): Promise<Got> {
  const silence = new AbortController()
  const ends = AbortSignal.any([silence.signal, leaving, ...(signal === undefined ? [] : [signal])])
  const request = open(ends)
  const late = setTimeout(() => silence.abort(coded('UND_ERR_HEADERS_TIMEOUT')), headersTimeout)
  const unconnected = setTimeout(() => silence.abort(coded('UND_ERR_CONNECT_TIMEOUT')), connectMs)
  const connected = () => clearTimeout(unconnected)
  request.once('socket', (socket) => {
    if (!socket.connecting) return connected()
    socket.once('secureConnect', connected)
    if (request.protocol === 'http:') socket.once('connect', connected)
  })
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve).once('error', reject)
      request.end(body ?? undefined)
    })
    const pieces = reasoned(answer, ends)
    return {
      statusCode: answer.statusCode ?? 0,
      headers: answer.headers,
      body: bodyOf(pieces, bodyTimeout, silence),
    }
  } catch (error) {
    throw reasonOf(error, ends)
  } finally {
    clearTimeout(late)
    connected()
  }
}

async function* reasoned(answer: IncomingMessage, ends: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* answer
  } catch (error) {
    throw reasonOf(error, ends)
  }
}

/** Why it was ended, where we ended it. */
const reasonOf = (error: unknown, ends: AbortSignal) => (ends.aborted ? ends.reason : error)
