/**
 * Appends waiting chunks in batches, one batch at a time: at once when a chunk is full, else a moment after the
 * first byte. Called by output.ts; hands batches to the `write` of the conductor.
 */
import type { Chunk, Chunks } from './chunks.ts'

export type Writer = {
  /** To be called when something was added. */
  wake(): void
  /** A promise when too much waits. Rejects with the error of `write`, unless that was told before. */
  room(): void | Promise<void>
  /** Writes what waits. Rejects like `room`. */
  end(): Promise<void>
}

/** What may wait for the writer: enough to keep it busy, little enough for many runs at once. */
const waitingBytes = 512 * 1024

export function createWriter(
  chunks: Chunks,
  write: (chunks: readonly Chunk[]) => Promise<void>,
  flushMs: number,
  chunkBytes: number,
): Writer {
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | null = null
  let room: PromiseWithResolvers<void> | null = null
  let failure: { error: unknown; told: boolean } | null = null

  const leaveRoom = () => {
    const left = room
    room = null
    return left
  }

  /** Writes while there is a full chunk, the first time whatever there is; with `all`, until nothing is left. */
  const flush = async (all: boolean) => {
    clearTimeout(timer)
    timer = undefined
    for (let first = true; chunks.size > 0 && (first || all || chunks.size >= chunkBytes); first = false) {
      const batch = chunks.take()
      leaveRoom()?.resolve()
      // After a failure the rest has no place: a gap would look like a whole output.
      if (failure !== null) continue
      try {
        await write(batch)
      } catch (error) {
        const waiting = leaveRoom()
        failure = { error, told: waiting !== null }
        waiting?.reject(error)
      }
    }
  }

  const start = () => {
    writing ??= flush(false).then(() => {
      writing = null
      wake()
    })
  }

  const wake = () => {
    if (writing !== null || chunks.size === 0) return
    if (chunks.size >= chunkBytes) start()
    else timer ??= setTimeout(start, flushMs)
  }

  const tell = () => {
    if (failure === null || failure.told) return
    failure.told = true
    return failure
  }

  return {
    wake,
    room() {
      const told = tell()
      if (told) return quiet(Promise.reject(told.error))
      if (chunks.size < waitingBytes) return
      room ??= withResolvers()
      return room.promise
    },
    async end() {
      while (writing !== null) await writing
      await flush(true)
      const told = tell()
      if (told) throw told.error
    },
  }
}

/** Whoever awaits gets the rejection; whoever does not brings nobody down. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

function withResolvers(): PromiseWithResolvers<void> {
  const resolvers = Promise.withResolvers<void>()
  quiet(resolvers.promise)
  return resolvers
}
