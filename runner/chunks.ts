/**
 * Cuts text into numbered chunks of bounded size and keeps them until they are taken. Called by output.ts, which
 * adds, and by writer.ts, which takes.
 */
export type Chunk = { seq: number; stream: 'stdout' | 'stderr'; text: string }

export type Chunks = {
  /** Adds well-formed text; consecutive pieces of one stream share a chunk. */
  add(stream: Chunk['stream'], text: string): void
  /** Everything added since the last time, in order. */
  take(): Chunk[]
  /** What waits here takes in memory, about. */
  readonly size: number
}

/** What a chunk takes besides its text: a script that alternates between its streams makes many small ones. */
const chunkOverhead = 128
const encoder = new TextEncoder()
/** Only to measure in, within one call: all share it, for most actions print little and there are many. */
const scratch = new Uint8Array(64 * 1024)

export function createChunks(firstSeq: number, chunkBytes: number): Chunks {
  let seq = firstSeq
  let waiting: Chunk[] = []
  let lastBytes = 0
  let size = 0

  return {
    get size() {
      return size
    },
    add(stream, text) {
      let rest = text
      while (rest !== '') {
        let last = waiting.at(-1)
        if (last?.stream !== stream || lastBytes === chunkBytes) {
          last = { seq: seq++, stream, text: '' }
          waiting.push(last)
          lastBytes = 0
          size += chunkOverhead
        }
        // encodeInto stops before a character that does not fit: nothing is cut in two.
        const { read, written } = encoder.encodeInto(rest, scratch.subarray(lastBytes, chunkBytes))
        last.text += rest.slice(0, read)
        lastBytes = read < rest.length ? chunkBytes : lastBytes + written
        size += written
        rest = rest.slice(read)
      }
    },
    take() {
      const taken = waiting
      waiting = []
      lastBytes = 0
      size = 0
      return taken
    },
  }
}
