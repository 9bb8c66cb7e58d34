/**
 * Cuts text into numbered chunks of bounded size and keeps them until they are taken. Called by output.ts, which
 * adds, and by chunk-writer.ts, which takes.
 */
export type Chunk = { seq: number; stream: 'stdout' | 'stderr'; text: string }

export type ChunkBuffer = {
  /** Adds well-formed text; consecutive pieces of one stream share a chunk. */
  add(stream: Chunk['stream'], text: string): void
  /** Everything added since the last time, in order. */
  takeAll(): Chunk[]
  /** What waits here takes in memory, about. */
  readonly sizeBytes: number
}

/** What a chunk takes besides its text: a script that alternates between its streams makes many small ones. */
const chunkOverheadBytes = 128
const encoder = new TextEncoder()
/** Only to measure in, within one call: all share it, for most actions print little and there are many. */
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
        // encodeInto stops before a character that does not fit: nothing is cut in two.
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
