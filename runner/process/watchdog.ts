/**
 * A small companion of the runner that ends its scripts when the runner cannot (law 5): it is lost, or it is frozen and
 * the lease of a script runs out. Made once by main, given to every runProcess; hands the work to watchdog.sh.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { uptime } from 'node:os'
import { fileURLToPath } from 'node:url'
import { withTimeout } from '../../lib/with-timeout.ts'

export type Watchdog = {
  /** To be called before a script is started: from here on it does not outlive the runner. */
  register(marker: string): void
  /** From here on it does not live longer than `leftMs` (and the grace) unless this is called again: its lease was
   * renewed. May be called before `start`. */
  extendDeadline(marker: string, remainingMs: number): void
  /** Its process, which leads its group. */
  setPid(marker: string, pid: number): void
  unregister(marker: string): void
  close(): Promise<void>
}

const scriptPath = fileURLToPath(new URL('watchdog.sh', import.meta.url))
const closeTimeoutMs = 2000
/** Between the death of a companion and the next: where none can live, trying must cost little. */
const restartDelayMs = 500
/** How often it looks at the clock: a short lease is looked at more often. */
export const watchdogIntervalMs = (leaseMs: number): number => Math.min(500, leaseMs / 10)

/** `onProblem`: what the companion cannot do on this machine, in words; told again as long as it lasts. */
export function createWatchdog(
  killGraceMs: number,
  leaseMs = 20_000,
  onProblem: (message: string) => void = () => {},
): Watchdog {
  const registered = new Map<string, number | null>()
  const deadlines = new Map<string, number>()
  let isClosed = false
  let process: ChildProcess | null = null

  const send = (line: string) => process?.stdin?.write(`${line}\n`)

  const spawnNext = () => {
    if (isClosed) return
    const child = spawnWatchdog(killGraceMs, watchdogIntervalMs(leaseMs))
    process = child
    const onExit = () => {
      if (process !== child) return
      process = null
      setTimeout(spawnNext, restartDelayMs).unref()
    }
    if (child === null) {
      onProblem('no companion can be started')
      return onExit()
    }
    child.on('exit', onExit).on('error', (error) => {
      onProblem(error.message)
      onExit()
    })
    child.stderr?.setEncoding('utf8').on('data', (message: string) => onProblem(message.trim()))
    // One that hears nothing any more, though it may live, is replaced: `exit` tells.
    child.stdin?.on('error', () => child.kill('SIGKILL'))
    for (const [marker, pid] of registered) {
      send(`start ${marker} ${deadlines.get(marker) ?? 0}`)
      if (pid !== null) send(`is ${marker} ${pid}`)
    }
  }
  spawnNext()

  return {
    register(marker) {
      registered.set(marker, null)
      // Small writes to a pipe with room are done when this returns: it is told before the script exists.
      send(`start ${marker} ${deadlines.get(marker) ?? 0}`)
    },
    extendDeadline(marker, remainingMs) {
      // Hundredths of a second since the machine started: no change of the clock moves them.
      const deadline = Math.floor((uptime() + Math.max(0, remainingMs) / 1000) * 100)
      deadlines.set(marker, deadline)
      if (registered.has(marker)) send(`until ${marker} ${deadline}`)
    },
    setPid(marker, pid) {
      registered.set(marker, pid)
      send(`is ${marker} ${pid}`)
    },
    unregister(marker) {
      deadlines.delete(marker)
      if (registered.delete(marker)) send(`end ${marker}`)
    },
    async close() {
      isClosed = true
      const child = process
      if (child === null || child.exitCode !== null || child.signalCode !== null) return
      const onExit = once(child, 'exit')
      child.ref()
      child.stdin?.end()
      await withTimeout(onExit, closeTimeoutMs, () => {})
    },
  }
}

/** Null when this machine has no process to spare now. */
function spawnWatchdog(killGraceMs: number, intervalMs: number): ChildProcess | null {
  try {
    const child = spawn(
      '/bin/sh',
      [scriptPath, String(Math.ceil(killGraceMs / 100)), String(intervalMs / 1000)],
      {
        env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
        stdio: ['pipe', 'ignore', 'pipe'],
        // Whoever signals the group of the runner, e.g. with Ctrl-C, must not hit it.
        detached: true,
      },
    )
    // The companion must not keep the runner from ending, and neither must its pipes, which are sockets.
    child.unref()
    for (const pipe of [child.stdin, child.stderr]) if (pipe instanceof Socket) pipe.unref()
    return child
  } catch {
    return null
  }
}
