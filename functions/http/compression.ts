/**
 * Compresses answers of JSON for clients that accept br or gzip. The number of compressions at a time is bounded: without
 * a free slot an answer is sent as it is, so that many requests cannot fill the processor and the memory. Created by
 * create-services.ts.
 */
import { Duplex } from 'node:stream'
import { promisify } from 'node:util'
import { brotliCompress, constants, createBrotliCompress, createGzip, gzip } from 'node:zlib'
import { createSemaphore, type Semaphore } from '../../lib/semaphore.ts'

export type Encoding = 'br' | 'gzip'
type Bytes = Uint8Array<ArrayBuffer>
type Headers = Record<string, string>

export type Compression = {
  /** An answer of JSON text. */
  json(text: string, encoding: Encoding | null, headers?: Headers): Promise<Response>
  /** An answer of JSON that is kept: it is compressed once. */
  keptJson(bytes: Bytes, encoding: Encoding | null, headers?: Headers): Promise<Response>
  /** An answer of JSON that is sent while it is made. */
  streamedJson(body: ReadableStream<Bytes>, encoding: Encoding | null): Response
}

/** Smaller answers fit into one packet anyway. */
const minLength = 1400
const maxCompressions = 2
/** A slow reader holds its slot as long as it reads. */
const maxStreams = 4
/** A higher quality needs far more time for few bytes; a larger window more memory. */
const brotliOptions = {
  params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_LGWIN]: 18 },
}
const compressors: Record<Encoding, (data: string | Bytes) => Promise<Buffer>> = {
  br: (data) => promisify(brotliCompress)(data, brotliOptions),
  gzip: (data) => promisify(gzip)(data),
}

const jsonType = { 'Content-Type': 'application/json' }
const vary = { Vary: 'Accept-Encoding' }

export function createCompression(): Compression {
  const slots = createSemaphore(maxCompressions)
  const streamSlots = createSemaphore(maxStreams)
  const kept = new WeakMap<Bytes, Partial<Record<Encoding, Promise<Buffer | null>>>>()

  const compress = (data: string | Bytes, encoding: Encoding): Promise<Buffer | null> =>
    withFreeSlot(slots, () => compressors[encoding](data))

  const compressOnce = (bytes: Bytes, encoding: Encoding): Promise<Buffer | null> => {
    const known = kept.get(bytes) ?? {}
    kept.set(bytes, known)
    const pending = known[encoding] ?? compress(bytes, encoding)
    known[encoding] = pending
    // Without a free slot the next request tries again.
    const forget = () => delete known[encoding]
    pending.then((compressed) => compressed ?? forget(), forget)
    return pending
  }

  const respond = async (
    data: string | Bytes,
    compressed: Promise<Buffer | null> | null,
    encoding: Encoding | null,
    headers: Headers = {},
  ): Promise<Response> => {
    const body = await compressed
    if (body === null) return new Response(data, { headers: { ...jsonType, ...vary, ...headers } })
    const weakTag = headers.ETag === undefined ? {} : { ETag: `W/${headers.ETag}` }
    return new Response(body as Buffer<ArrayBuffer>, {
      headers: { ...jsonType, ...vary, ...headers, ...weakTag, 'Content-Encoding': encoding ?? 'identity' },
    })
  }

  return {
    json: async (text, encoding, headers) => {
      if (text.length < minLength) return new Response(text, { headers: { ...jsonType, ...headers } })
      return respond(text, encoding && compress(text, encoding), encoding, headers)
    },
    keptJson: (bytes, encoding, headers) => {
      const worthwhile = bytes.length < minLength ? null : encoding
      return respond(bytes, worthwhile && compressOnce(bytes, worthwhile), worthwhile, headers)
    },
    streamedJson: (body, encoding) => {
      if (encoding === null || streamSlots.available() === 0)
        return new Response(body, { headers: { ...jsonType, ...vary } })
      void streamSlots.acquire()
      const compressor = encoding === 'br' ? createBrotliCompress(brotliOptions) : createGzip()
      compressor.once('close', streamSlots.release)
      const compressed = body.pipeThrough(Duplex.toWeb(compressor) as ReadableWritablePair<Bytes, Bytes>)
      return new Response(compressed, { headers: { ...jsonType, ...vary, 'Content-Encoding': encoding } })
    },
  }
}

/** Null without a free slot. */
async function withFreeSlot<T>(slots: Semaphore, work: () => Promise<T>): Promise<T | null> {
  if (slots.available() === 0) return null
  await slots.acquire()
  try {
    return await work()
  } finally {
    slots.release()
  }
}

/** br before gzip, whatever weights the client gives them, but not with the weight 0. */
export function chooseEncoding(acceptEncoding: string | undefined): Encoding | null {
  if (acceptEncoding === undefined) return null
  const accepted = new Set(
    acceptEncoding
      .toLowerCase()
      .split(',')
      .filter((item) => !/;\s*q=0(\.0*)?\s*$/.test(item))
      .map((item) => item.split(';')[0]?.trim()),
  )
  if (accepted.has('br')) return 'br'
  return accepted.has('gzip') ? 'gzip' : null
}
