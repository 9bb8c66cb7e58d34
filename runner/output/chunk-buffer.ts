/** Splits text into numbered chunks of limited size. Filled by output.ts, emptied by chunk-writer.ts. */
export type Chunk = { seq: number; stream: 'stdout' | 'stderr'; text: string }

export type ChunkBuffer = {
  /** Adds well-formed text. Consecutive pieces of the same stream share a chunk. */
  add(stream: Chunk['stream'], text: string): void
  /** Returns and removes all chunks, in order. */
  takeAll(): Chunk[]
  /** The approximate memory of all chunks. */
  readonly sizeBytes: number
}

/**
 * The memory of a chunk besides its text. It counts when a script alternates between its streams and makes many small
 * chunks.
 */
const chunkOverheadBytes = 128
const encoder = new TextEncoder()
/** Used only within one call to measure text. All buffers share it, because most actions print little. */
const scratchBuffer = new Uint8Array(64 * 1024)

export function createChunkBuffer(firstSeq: number, maxChunkBytes: number): ChunkBuffer {
  let seq = firstSeq
  let pending: Chunk[] = []
  let lastChunkBytes = 0
  let sizeBytes = 0

  return {
    get sizeBytes() {
      return sizeBytes
    },
    add(stream, text) {
      let rest = text
      while (rest !== '') {
        let lastChunk = pending.at(-1)
        if (lastChunk?.stream !== stream || lastChunkBytes === maxChunkBytes) {
          lastChunk = { seq: seq++, stream, text: '' }
          pending.push(lastChunk)
          lastChunkBytes = 0
          sizeBytes += chunkOverheadBytes
        }
        // encodeInto stops before a character that does not fit, so no character is split.
        const { read, written } = encoder.encodeInto(
          rest,
          scratchBuffer.subarray(lastChunkBytes, maxChunkBytes),
        )
        lastChunk.text += rest.slice(0, read)
        lastChunkBytes = read < rest.length ? maxChunkBytes : lastChunkBytes + written
        sizeBytes += written
        rest = rest.slice(read)
      }
    },
    takeAll() {
      const drained = pending
      pending = []
      lastChunkBytes = 0
      sizeBytes = 0
      return drained
    },
  }
}
