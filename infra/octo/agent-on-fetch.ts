/**
 * undici's Agent for the executable, on the fetch that its runtime brings: loading undici takes as long as everything else octo
 * does in a `list`. Whatever fetch cannot do or explain goes to undici after all. Put in its place by bundle.ts.
 */
import { type Asked, bodyOf, coded, type Got, type Options, type Undici } from './agent-parts.ts'

/** `load` gives undici's own Agent of the same options. */
export function openAgent(options: Options, load: () => Undici): Undici {
  let loaded: Undici | null = null
  const undici = () => {
    loaded ??= load()
    return loaded
  }
  const leaving = new AbortController()
  return {
    request: async (asked) => {
      // Certificates of one's own are undici's affair.
      if (options.connect.ca !== undefined) return undici().request(asked)
      try {
        return await byFetch({ ...options, ...asked }, options.connect.timeout, leaving.signal)
      } catch (error) {
        const known = isAborted(error) || asked.method !== 'GET'
        if (known) throw error
        // Undici has more names for what can go wrong, and reading twice does no harm.
        return undici().request(asked)
      }
    },
    dispatch: (...asked) => undici().dispatch(...asked),
    destroy: async () => {
      leaving.abort(coded('UND_ERR_DESTROYED'))
      await loaded?.destroy()
    },
  }
}

async function byFetch(asked: Asked & Options, connectMs: number, leaving: AbortSignal): Promise<Got> {
  const { origin, path, method, headers, body = null, headersTimeout, bodyTimeout, signal } = asked
  const silence = new AbortController()
  const late = setTimeout(() => silence.abort(coded('UND_ERR_HEADERS_TIMEOUT')), headersTimeout)
  // fetch does not tell when it is connected: after some silence a connection of our own does.
  const probe = setTimeout(async () => {
    if (!(await connects(origin, connectMs))) silence.abort(coded('UND_ERR_CONNECT_TIMEOUT'))
  }, connectMs)
  const signals = [silence.signal, leaving, ...(signal === undefined ? [] : [signal])]
  try {
    const answer = await fetch(origin + path, {
      method,
      // Something on the way would hold a stream of events back to compress it.
      headers: { 'accept-encoding': 'identity', ...headers },
      body,
      redirect: 'manual',
      signal: AbortSignal.any(signals),
    })
    return {
      statusCode: answer.status,
      headers: Object.fromEntries(answer.headers),
      body: bodyOf(answer.body ?? none(), bodyTimeout, silence),
    }
  } finally {
    clearTimeout(late)
    clearTimeout(probe)
  }
}

async function* none(): AsyncGenerator<Uint8Array> {}

async function connects(origin: string, timeoutMs: number): Promise<boolean> {
  const { connect } = process.getBuiltinModule('node:net')
  const { protocol, hostname, port } = new URL(origin)
  const socket = connect({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
  })
  return new Promise<boolean>((resolve) => {
    socket.setTimeout(timeoutMs, () => resolve(false))
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
  }).finally(() => socket.destroy())
}

const isAborted = (error: unknown) =>
  error instanceof Error && (error.name === 'AbortError' || /^UND_ERR_/.test(codeOf(error)))

const codeOf = (error: Error) => String((error as { code?: unknown }).code ?? '')
