/**
 * Appends waiting chunks in batches, one batch at a time: at once when a chunk is full, else a moment after the
 * first byte. Called by output.ts; hands batches to the `write` of the conductor.
 */
import type { Chunk, ChunkBuffer } from './chunk-buffer.ts'

export type ChunkWriter = {
  /** To be called when something was added. */
  schedule(): void
  /** A promise when too much waits. Rejects with the error of `write`, unless that was told before. */
  backpressure(): void | Promise<void>
  /** Writes what waits. Rejects like `room`. */
  end(): Promise<void>
}

/** What may wait for the writer: enough to keep it busy, little enough for many runs at once. */
const maxPendingBytes = 512 * 1024

export function createChunkWriter(
  chunks: ChunkBuffer,
  write: (chunks: readonly Chunk[]) => Promise<void>,
  flushMs: number,
  fullBytes: number,
): ChunkWriter {
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | null = null
  let room: PromiseWithResolvers<void> | null = null
  let failure: { error: unknown; unreported: boolean } | null = null

  const takeBlocked = () => {
    const taken = room
    room = null
    return taken
  }

  /** Writes while there is a full chunk, the first time whatever there is; with `all`, until nothing is left. */
  const flush = async (all: boolean) => {
    clearTimeout(timer)
    timer = undefined
    for (
      let first = true;
      chunks.sizeBytes > 0 && (first || all || chunks.sizeBytes >= fullBytes);
      first = false
    ) {
      const batch = chunks.takeAll()
      takeBlocked()?.resolve()
      // After a failure the rest has no place: a gap would look like a whole output.
      if (failure !== null) continue
      try {
        await write(batch)
      } catch (error) {
        const waiting = takeBlocked()
        failure = { error, unreported: waiting !== null }
        waiting?.reject(error)
      }
    }
  }

  const startFlush = () => {
    writing ??= flush(false).then(() => {
      writing = null
      schedule()
    })
  }

  const schedule = () => {
    if (writing !== null || chunks.sizeBytes === 0) return
    if (chunks.sizeBytes >= fullBytes) startFlush()
    else timer ??= setTimeout(startFlush, flushMs)
  }

  const takeFailure = () => {
    if (failure === null || failure.unreported) return
    failure.unreported = true
    return failure
  }

  return {
    schedule,
    backpressure() {
      const unreported = takeFailure()
      if (unreported) return ignoreRejection(Promise.reject(unreported.error))
      if (chunks.sizeBytes < maxPendingBytes) return
      room ??= createResolvers()
      return room.promise
    },
    async end() {
      while (writing !== null) await writing
      await flush(true)
      const unreported = takeFailure()
      if (unreported) throw unreported.error
    },
  }
}

/** Whoever awaits gets the rejection; whoever does not brings nobody down. */
function ignoreRejection<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

function createResolvers(): PromiseWithResolvers<void> {
  const resolvers = Promise.withResolvers<void>()
  ignoreRejection(resolvers.promise)
  return resolvers
}
