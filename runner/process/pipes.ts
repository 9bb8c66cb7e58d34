/**
 * Reads stdout and stderr of a script piece by piece and passes them to `onOutput`. A pipe waits while its last piece
 * is processed. Called by process.ts.
 */
import type { Readable } from 'node:stream'

type OnOutput = (stream: 'stdout' | 'stderr', bytes: Uint8Array) => void | Promise<void>

export type Pipes = {
  /** The first error of `onOutput`. After it, output is read and dropped. */
  readonly failure: { error: unknown } | null
  /**
   * Reads both pipes to their end and closes them, at the latest after `timeoutMs`. Time in `onOutput` does not
   * count.
   */
  drain(timeoutMs: number): Promise<void>
}

/** The limit for the time in `onOutput` after the script has ended. */
const maxBusyMs = 120_000
const tickMs = 50
/**
 * The interval of explicit garbage collections, in bytes of output and of arguments. Buffers lie outside of the V8 heap,
 * and their text survives long enough to become old, so V8 collects both late. Measured with two scripts that print a gigabyte
 * each, 64 MB stored: the runner grew by 142 MiB without this and by 39 MiB with it, for one more second per
 * gigabyte. Needs --expose-gc.
 */
const gcIntervalBytes = 16 * 1024 * 1024

/** Counts the output and the arguments of scripts, in bytes, and collects garbage after each interval. */
export type GarbageCollector = (bytes: number) => void

/** One for all scripts of a runner, because they fill the same memory. */
export function createGarbageCollector(): GarbageCollector {
  let uncollectedBytes = 0
  return (bytes) => {
    uncollectedBytes += bytes
    if (uncollectedBytes < gcIntervalBytes) return
    uncollectedBytes = 0
    globalThis.gc?.()
  }
}

/** Resolves to true at the first data, to false when the pipe ends without data. */
export function hasOutput(pipe: Readable): Promise<boolean> {
  return new Promise((resolve) => {
    pipe.once('data', () => resolve(true))
    for (const end of ['end', 'close', 'error']) pipe.once(end, () => resolve(false))
  })
}

export function readPipes(
  pipes: Record<'stdout' | 'stderr', Readable | null>,
  onOutput: OnOutput | undefined,
  onFailure: () => void,
  collectGarbage: GarbageCollector,
): Pipes {
  let failure: { error: unknown } | null = null
  let busy = 0

  const fail = (error: unknown) => {
    if (failure !== null) return
    failure = { error }
    onFailure()
  }

  const deliver = async (name: 'stdout' | 'stderr', bytes: Uint8Array) => {
    collectGarbage(bytes.length)
    busy += 1
    try {
      await onOutput?.(name, bytes)
    } catch (error) {
      fail(error)
    }
    busy -= 1
  }

  const read = async (name: 'stdout' | 'stderr') => {
    const pipe = pipes[name]
    if (pipe === null) return
    // Not with 'data' and pause(), because Node resumes the pipes when the script exits.
    try {
      for await (const bytes of pipe) if (failure === null) await deliver(name, bytes as Uint8Array)
    } catch {
      // A broken or closed pipe counts as ended; the exit of the script shows whether it failed.
    }
  }
  const ended = Promise.all([read('stdout'), read('stderr')])

  return {
    get failure() {
      return failure
    },
    async drain(timeoutMs) {
      const timeout = Promise.withResolvers<void>()
      let openMs = 0
      let busyMs = 0
      // Counts ticks instead of reading the clock, so that on a stalled machine no output is cut that could not be
      // read yet.
      const ticker = setInterval(() => {
        if (busy > 0) busyMs += tickMs
        else openMs += tickMs
        if (busyMs >= maxBusyMs) fail(new Error(`Output was not stored within ${maxBusyMs / 1000} s.`))
        if (openMs >= timeoutMs || busyMs >= maxBusyMs) timeout.resolve()
      }, tickMs)
      await Promise.race([ended, timeout.promise])
      clearInterval(ticker)
      pipes.stdout?.destroy()
      pipes.stderr?.destroy()
    },
  }
}
