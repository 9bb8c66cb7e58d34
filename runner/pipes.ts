/**
 * Reads the two pipes of a script piece by piece and hands them on, holding a pipe back while its reader is busy.
 * Called by process.ts; hands the bytes to whoever asked for the run.
 */
import type { ChildProcess } from 'node:child_process'

type OnOutput = (stream: 'stdout' | 'stderr', bytes: Uint8Array) => void | Promise<void>

/** Whoever takes the output may be slow, but not for ever: every wait of ours has an end. */
const longestHoldMs = 60_000
const tickMs = 50

export type Pipes = {
  /** The first error of `onOutput`; from then on output is read and dropped. */
  readonly failure: { error: unknown } | null
  /** Waits until both pipes are closed, at most `ms` not counting the time the reader holds them; then closes them. */
  drain(ms: number): Promise<void>
}

export function readPipes(child: ChildProcess, onOutput: OnOutput | undefined, onFailure: () => void): Pipes {
  let failure: { error: unknown } | null = null
  let held = 0

  const fail = (error: unknown) => {
    if (failure !== null) return
    failure = { error }
    onFailure()
  }

  const read = (name: 'stdout' | 'stderr') => {
    const pipe = child[name]
    if (pipe === null) return Promise.resolve()
    pipe.on('data', (bytes: Buffer) => {
      if (failure !== null || onOutput === undefined) return
      try {
        const busy = onOutput(name, bytes)
        if (busy === undefined) return
        held += 1
        pipe.pause()
        busy.catch(fail).finally(() => {
          held -= 1
          pipe.resume()
        })
      } catch (error) {
        fail(error)
      }
    })
    // A pipe that breaks is a pipe that ends: how the script ended says the rest.
    pipe.on('error', () => {})
    return new Promise<void>((resolve) => pipe.once('close', resolve))
  }
  const closed = Promise.all([read('stdout'), read('stderr')])

  return {
    get failure() {
      return failure
    },
    async drain(ms) {
      let openMs = 0
      let heldMs = 0
      // Ticks are counted, not the clock: on a stalled machine nothing is cut that nobody had time to read.
      const ticker = setInterval(() => {
        if (held > 0) heldMs += tickMs
        else openMs += tickMs
        if (heldMs >= longestHoldMs) fail(new Error(`Output was not taken within ${longestHoldMs / 1000} s.`))
        if (openMs < ms && heldMs < longestHoldMs) return
        child.stdout?.destroy()
        child.stderr?.destroy()
      }, tickMs)
      await closed
      clearInterval(ticker)
    },
  }
}
