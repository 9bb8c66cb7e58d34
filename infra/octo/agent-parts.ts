/** What the two stand-ins for undici's Agent have in common. Called by agent-on-fetch.ts and agent-on-http.ts. */

export type Asked = {
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
export type Got = { statusCode: number; headers: Record<string, string | string[] | undefined>; body: Body }
export type Undici = {
  request(asked: Asked): Promise<Got>
  dispatch(...asked: unknown[]): boolean
  destroy(): Promise<void>
}
export type Options = {
  connect: { timeout: number; ca?: string[] }
  headersTimeout: number
  bodyTimeout: number
}

export const coded = (code: string) => Object.assign(new Error(code), { code })

/** The pieces of a body; `silence` is aborted when none comes for `silenceMs`. */
export function bodyOf(source: AsyncIterable<Uint8Array>, silenceMs: number, silence: AbortController): Body {
  const pieces = piecesOf(source, silenceMs, silence)
  return Object.assign(pieces, { text: () => textOf(pieces) })
}

async function* piecesOf(source: AsyncIterable<Uint8Array>, silenceMs: number, silence: AbortController) {
  let timer: NodeJS.Timeout | undefined
  const wait = () => {
    clearTimeout(timer)
    timer = setTimeout(() => silence.abort(coded('UND_ERR_BODY_TIMEOUT')), silenceMs)
  }
  try {
    wait()
    for await (const bytes of source) {
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
