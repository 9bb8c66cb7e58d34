/**
 * Reads the two pipes of a script piece by piece and hands them on, holding a pipe back while its reader is busy.
 * Called by process.ts; hands the bytes to whoever asked for the run.
 */
import type { Readable } from 'node:stream'

type OnOutput = (stream: 'stdout' | 'stderr', bytes: Uint8Array) => void | Promise<void>

export type Pipes = {
  /** The first error of `onOutput`; from then on output is read and dropped. */
  readonly failure: { error: unknown } | null
  /** Waits until both pipes are read to their end, at most `ms` not counting the time the reader is busy; then
   * closes them. */
  drain(timeoutMs: number): Promise<void>
}

/** A reader may be slow after the script has ended, but not for ever: every wait of ours has an end. */
const maxBusyMs = 120_000
const tickMs = 50
/**
 * What is read lies outside of V8's heap, and the text made of it lives long enough to be taken for old: left alone, V8 collects
 * neither for long. Two scripts that print a gigabyte, 64 MB of each kept, made a runner grow by 142 MiB; told to collect after so
 * many bytes, by 39, for a second more a gigabyte (measured, PostgreSQL beside it). Needs --expose-gc.
 */
const gcIntervalBytes = 16 * 1024 * 1024
let uncollectedBytes = 0

function collectGarbage(bytes: number): void {
  uncollectedBytes += bytes
  if (uncollectedBytes < gcIntervalBytes) return
  uncollectedBytes = 0
  globalThis.gc?.()
}

/** Resolves with true when something comes through, with false when it ends without. */
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
    // Not with 'data' and pause(): when the script exits, node resumes its pipes by itself.
    try {
      for await (const bytes of pipe) if (failure === null) await deliver(name, bytes as Uint8Array)
    } catch {
      // A pipe that breaks or was closed is a pipe that ends: how the script ended says the rest.
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
      // Ticks are counted, not the clock: on a stalled machine nothing is cut that nobody had time to read.
      const ticker = setInterval(() => {
        if (busy > 0) busyMs += tickMs
        else openMs += tickMs
        if (busyMs >= maxBusyMs) fail(new Error(`Output was not taken within ${maxBusyMs / 1000} s.`))
        if (openMs >= timeoutMs || busyMs >= maxBusyMs) timeout.resolve()
      }, tickMs)
      await Promise.race([ended, timeout.promise])
      clearInterval(ticker)
      pipes.stdout?.destroy()
      pipes.stderr?.destroy()
    },
  }
}
