/**
 * Turns the bytes of a script into numbered chunks of text: decoded, secrets masked, limited in size, stored in
 * order. Called by action-output.ts, which says where chunks are stored.
 */
import { type Chunk, createChunkBuffer } from './chunk-buffer.ts'
import { createChunkWriter } from './chunk-writer.ts'
import { createRedactor, maskSecrets } from './redact.ts'
import { createSecretPatterns, type SecretPatterns } from './secret-patterns.ts'

type Stream = Chunk['stream']

export type Output = {
  /**
   * Returns a promise when too much text waits to be written; await it before the next piece. Rejects when writing
   * fails.
   */
  push(stream: Stream, bytes: Uint8Array): void | Promise<void>
  /** Adds a line of Octopod itself to stderr. The limit does not apply to it. */
  addNote(text: string): void
  /**
   * Writes the rest. `bytes` is the size of the stored script output (UTF-8, masked). Rejects when writing fails,
   * unless `push` has already rejected.
   */
  end(): Promise<{ truncated: boolean; bytes: number }>
  /** The end of what the script printed to each stream. */
  last(): Record<Stream, string>
}

/**
 * `write` stores a batch and must settle in bounded time. It is called again only after it has resolved. The numbers
 * of the chunks start at `firstSeq` and have no gaps.
 */
export function createOutput(options: {
  firstSeq: number
  limitBytes: number
  secrets: readonly string[]
  write: (chunks: readonly Chunk[]) => Promise<void>
  flushMs?: number
  chunkBytes?: number
}): Output {
  const { limitBytes, write, flushMs = 100, chunkBytes = 64 * 1024 } = options
  const secrets = createSecretPatterns(options.secrets)
  const chunks = createChunkBuffer(options.firstSeq, chunkBytes)
  const writer = createChunkWriter(chunks, write, flushMs, chunkBytes)
  const decoders = { stdout: createTextDecoder(secrets), stderr: createTextDecoder(secrets) }
  let storedBytes = 0
  let droppedBytes = 0
  const last = { stdout: '', stderr: '' }
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
    const kept = text.slice(0, read)
    add(stream, kept)
    last[stream] = appendLast(last[stream], kept)
    storedBytes += written
    droppedBytes += bytes - written
  }

  const addNote = (text: string) => {
    const clean = text.toWellFormed().replaceAll('\0', '').trimEnd()
    add('stderr', `${isLineStart ? '' : '\n'}${maskSecrets(clean, secrets)}\n`)
    writer.schedule()
  }

  return {
    last: () => ({ ...last }),
    push(stream, bytes) {
      // Above the limit nothing is decoded, because dropping gigabytes must be cheap.
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
        addNote(
          `octopod: output limit of ${limitBytes} bytes reached; ${droppedBytes} more bytes were dropped.`,
        )
      await writer.end()
      return { truncated: droppedBytes > 0, bytes: storedBytes }
    },
  }
}

/** Enough for the last lines of a failure, also when they have many control codes. */
const lastCharacters = 16_384

function appendLast(last: string, text: string): string {
  const joined = last + text
  return joined.length <= 2 * lastCharacters ? joined : joined.slice(-lastCharacters)
}

/** Decodes one stream. NUL is removed, because PostgreSQL cannot store it; invalid UTF-8 becomes U+FFFD. */
function createTextDecoder(secrets: SecretPatterns) {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const redactor = createRedactor(secrets)
  const clean = (text: string) => redactor.push(text.replaceAll('\0', ''))
  return {
    push: (bytes: Uint8Array) => clean(decoder.decode(bytes, { stream: true })),
    end: () => clean(decoder.decode()) + redactor.end(),
  }
}

/** The longest prefix that fits into `maxBytes` of UTF-8 without splitting a character. */
function fitPrefix(text: string, maxBytes: number): { read: number; written: number } {
  return new TextEncoder().encodeInto(text, new Uint8Array(maxBytes))
}
