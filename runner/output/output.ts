/**
 * Turns the bytes of a run into numbered chunks of clean text: decoded, masked, capped, appended in order.
 * Called by the conductor, which says where to append; hands secrets to redact.ts, text to chunk-buffer.ts and chunk-writer.ts.
 */
import { type Chunk, createChunkBuffer } from './chunk-buffer.ts'
import { createChunkWriter } from './chunk-writer.ts'
import { createRedactor, maskSecrets } from './redact.ts'

type Stream = Chunk['stream']

export type Output = {
  /** A promise when too much waits to be written: await it before the next piece. Rejects when writing failed. */
  push(stream: Stream, bytes: Uint8Array): void | Promise<void>
  /** A line of our own on stderr, behind what came before; the limit does not cut it. */
  addNote(text: string): void
  /** Writes what is left; `bytes` of the script's text (in UTF-8, masked) were kept. Rejects when writing failed,
   * unless push has told that before. */
  end(): Promise<{ truncated: boolean; bytes: number }>
}

/** `write` appends a batch and must end in bounded time; it is called again only when it has resolved, and never
 * after it rejected. The numbers of the chunks begin with `firstSeq` and have no gaps. */
export function createOutput(options: {
  firstSeq: number
  limitBytes: number
  secrets: readonly string[]
  write: (chunks: readonly Chunk[]) => Promise<void>
  flushMs?: number
  chunkBytes?: number
}): Output {
  const { limitBytes, secrets, write, flushMs = 100, chunkBytes = 64 * 1024 } = options
  const chunks = createChunkBuffer(options.firstSeq, chunkBytes)
  const writer = createChunkWriter(chunks, write, flushMs, chunkBytes)
  const decoders = { stdout: createTextDecoder(secrets), stderr: createTextDecoder(secrets) }
  let storedBytes = 0
  let droppedBytes = 0
  let isLineStart = true

  const add = (stream: Stream, text: string) => {
    chunks.add(stream, text)
    if (stream === 'stderr' && text !== '') isLineStart = text.endsWith('\n')
  }

  const addLimited = (stream: Stream, text: string) => {
    const bytes = Buffer.byteLength(text)
    const remainingBytes = droppedBytes > 0 ? 0 : limitBytes - storedBytes
    const { read, written } =
      bytes <= remainingBytes ? { read: text.length, written: bytes } : fitPrefix(text, remainingBytes)
    add(stream, text.slice(0, read))
    storedBytes += written
    droppedBytes += bytes - written
  }

  const addNote = (text: string) => {
    const clean = text.toWellFormed().replaceAll('\0', '').trimEnd()
    add('stderr', `${isLineStart ? '' : '\n'}${maskSecrets(clean, secrets)}\n`)
    writer.schedule()
  }

  return {
    push(stream, bytes) {
      // Over the limit nothing is decoded any more: dropping gigabytes must be cheap.
      if (droppedBytes > 0) droppedBytes += bytes.length
      else addLimited(stream, decoders[stream].push(bytes))
      writer.schedule()
      return writer.backpressure()
    },
    addNote(text) {
      addLimited('stderr', decoders.stderr.end())
      addNote(text)
    },
    async end() {
      addLimited('stdout', decoders.stdout.end())
      addLimited('stderr', decoders.stderr.end())
      if (droppedBytes > 0)
        addNote(`octopod: output is kept up to ${limitBytes} bytes: ${droppedBytes} more were dropped.`)
      await writer.end()
      return { truncated: droppedBytes > 0, bytes: storedBytes }
    },
  }
}

/** One stream of bytes to clean text: Postgres holds no NUL, and invalid UTF-8 becomes U+FFFD. */
function createTextDecoder(secrets: readonly string[]) {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const redactor = createRedactor(secrets)
  const clean = (text: string) => redactor.push(text.replaceAll('\0', ''))
  return {
    push: (bytes: Uint8Array) => clean(decoder.decode(bytes, { stream: true })),
    end: () => clean(decoder.decode()) + redactor.end(),
  }
}

/** As much of the beginning as fits into `bytes` of UTF-8 without cutting a character. */
function fitPrefix(text: string, maxBytes: number): { read: number; written: number } {
  return new TextEncoder().encodeInto(text, new Uint8Array(maxBytes))
}
