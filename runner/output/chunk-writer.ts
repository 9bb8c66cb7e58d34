/**
 * Writes chunks in batches, one batch at a time: at once when a chunk is full, otherwise soon after the first byte. A
 * script that keeps printing little gets longer intervals, so that it does not fill the table with small chunks. Called
 * by output.ts.
 */
import type { Chunk, ChunkBuffer } from './chunk-buffer.ts'

export type ChunkWriter = {
  /** Must be called after text was added. */
  schedule(): void
  /**
   * Returns a promise when too much text waits. It rejects with the error of `write`, unless a caller has already got
   * that error.
   */
  backpressure(): void | Promise<void>
  /** Writes the rest. Rejects like `backpressure`. */
  end(): Promise<void>
}

/** Enough text to keep the writer busy, and little enough for many scripts at once. */
const maxPendingBytes = 512 * 1024
/** A follower sees output after this time at the latest. */
const maxIntervalMs = 1000

export function createChunkWriter(
  chunks: ChunkBuffer,
  write: (chunks: readonly Chunk[]) => Promise<void>,
  flushMs: number,
  fullBytes: number,
): ChunkWriter {
  let timer: NodeJS.Timeout | undefined
  let lastFlushAtMs = Number.NEGATIVE_INFINITY
  let intervalMs = flushMs
  let writing: Promise<void> | null = null
  let blocked: PromiseWithResolvers<void> | null = null
  let failure: { error: unknown; reported: boolean } | null = null

  const takeBlocked = () => {
    const taken = blocked
    blocked = null
    return taken
  }

  /**
   * The first batch takes all chunks, further ones follow while a chunk is full. With `all` it writes until nothing
   * is left.
   */
  const flush = async (all: boolean) => {
    clearTimeout(timer)
    timer = undefined
    growInterval()
    for (
      let first = true;
      chunks.sizeBytes > 0 && (first || all || chunks.sizeBytes >= fullBytes);
      first = false
    ) {
      const batch = chunks.takeAll()
      takeBlocked()?.resolve()
      // After a failed write nothing more is written, because a gap would look like complete output.
      if (failure !== null) continue
      try {
        await write(batch)
      } catch (error) {
        const waitingCaller = takeBlocked()
        failure = { error, reported: waitingCaller !== null }
        waitingCaller?.reject(error)
      }
    }
  }

  /** Doubles while the script keeps printing, and starts again after a pause. */
  const growInterval = () => {
    const nowMs = performance.now()
    const isFirst = nowMs - lastFlushAtMs >= 2 * maxIntervalMs
    intervalMs = isFirst ? flushMs : Math.min(2 * intervalMs, maxIntervalMs)
    lastFlushAtMs = nowMs
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
    else timer ??= setTimeout(startFlush, Math.max(flushMs, lastFlushAtMs + intervalMs - performance.now()))
  }

  const takeFailure = () => {
    if (failure === null || failure.reported) return
    failure.reported = true
    return failure
  }

  return {
    schedule,
    backpressure() {
      const newFailure = takeFailure()
      if (newFailure) return ignoreRejection(Promise.reject(newFailure.error))
      if (chunks.sizeBytes < maxPendingBytes) return
      blocked ??= createResolvers()
      return blocked.promise
    },
    async end() {
      while (writing !== null) await writing
      await flush(true)
      const newFailure = takeFailure()
      if (newFailure) throw newFailure.error
    },
  }
}

/** Callers that await the promise get the rejection. Without this, a caller that does not would crash the process. */
function ignoreRejection<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

function createResolvers(): PromiseWithResolvers<void> {
  const resolvers = Promise.withResolvers<void>()
  void ignoreRejection(resolvers.promise)
  return resolvers
}
