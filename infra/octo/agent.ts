/**
 * undici's Agent for the executable, on the fetch that its runtime brings: loading undici takes as long as everything else octo
 * does in a `list`. Whatever fetch cannot do or explain goes to undici after all. Put in its place by bundle.ts.
 */

type Asked = {
  origin: string
  path: string
  method: string
  headers: Record<string, string>
  body?: string | null
  /** Of silence, in milliseconds. */
  headersTimeout?: number
  bodyTimeout?: number
  signal?: AbortSignal
}
type Body = AsyncIterable<Uint8Array> & { text(): Promise<string> }
type Got = { statusCode: number; headers: Record<string, string>; body: Body }
type Undici = {
  request(asked: Asked): Promise<Got>
  dispatch(...asked: unknown[]): boolean
  destroy(): Promise<void>
}
type Options = { connect: { timeout: number; ca?: unknown }; headersTimeout: number; bodyTimeout: number }

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
        if (known) throw named(error)
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
    const pieces = piecesOf(answer, bodyTimeout, silence)
    return {
      statusCode: answer.status,
      headers: Object.fromEntries(answer.headers),
      body: Object.assign(pieces, { text: () => textOf(pieces) }),
    }
  } finally {
    clearTimeout(late)
    clearTimeout(probe)
  }
}

async function* piecesOf(answer: Response, silenceMs: number, silence: AbortController) {
  let timer: NodeJS.Timeout | undefined
  const wait = () => {
    clearTimeout(timer)
    timer = setTimeout(() => silence.abort(coded('UND_ERR_BODY_TIMEOUT')), silenceMs)
  }
  try {
    wait()
    for await (const bytes of answer.body ?? []) {
      wait()
      yield bytes
    }
  } finally {
    clearTimeout(timer)
  }
}

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const bytes of pieces) text += decoder.decode(bytes, { stream: true })
  return text + decoder.decode()
}

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

const coded = (code: string) => Object.assign(new Error(code), { code })

const isAborted = (error: unknown) =>
  error instanceof Error && (error.name === 'AbortError' || /^UND_ERR_/.test(codeOf(error)))

const codeOf = (error: Error) => String((error as { code?: unknown }).code ?? '')

/** The runtime says in words only that what answered was not TLS. */
function named(error: unknown): unknown {
  if (!(error instanceof Error) || codeOf(error) !== 'EPROTO') return error
  return Object.assign(coded('ERR_SSL_WRONG_VERSION_NUMBER'), { cause: error })
}
