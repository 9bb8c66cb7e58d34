/**
 * A separate small process (watchdog.sh) that ends the scripts when the runner cannot: the runner was killed, or it
 * is frozen and the lease of a script expires. Created by open-runner.ts and used by every runProcess.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { uptime } from 'node:os'
import { fileURLToPath } from 'node:url'
import { withTimeout } from '../../lib/with-timeout.ts'
import { configFolder } from './config-file.ts'

export type Watchdog = {
  /** Must be called before a script starts. From now on the script does not outlive the runner. */
  register(marker: string): void
  /**
   * The script gets TERM after `remainingMs`, and KILL after the grace, unless this is called again. Called after
   * each renewal of the lease; may be called before `register`.
   */
  extendDeadline(marker: string, remainingMs: number): void
  /** `pid`: the script, which is the leader of its process group. */
  setPid(marker: string, pid: number): void
  unregister(marker: string): void
  close(): Promise<void>
}

const scriptPath = fileURLToPath(new URL('watchdog.sh', import.meta.url))
const closeTimeoutMs = 2000
/** Restarts are delayed, because they must cost little on a machine where the watchdog cannot run. */
const restartDelayMs = 500
/** The interval between two checks of the deadlines; short for a short lease. */
export const watchdogIntervalMs = (leaseMs: number): number => Math.min(500, leaseMs / 10)

/**
 * `onProblem` is called with a message while the watchdog does not work fully on this machine; the message may
 * repeat.
 */
export function createWatchdog(
  killGraceMs: number,
  leaseMs = 20_000,
  onProblem: (message: string) => void = () => {},
): Watchdog {
  /** Each script with the line that names its process, once it has one. */
  const registered = new Map<string, string | null>()
  const deadlines = new Map<string, number>()
  let isClosed = false
  let current: ChildProcess | null = null

  const send = (line: string) => current?.stdin?.write(`${line}\n`)

  const spawnNext = () => {
    if (isClosed) return
    const child = spawnWatchdog(killGraceMs, watchdogIntervalMs(leaseMs))
    current = child
    const onExit = () => {
      if (current !== child) return
      current = null
      setTimeout(spawnNext, restartDelayMs).unref()
    }
    if (child === null) {
      onProblem('the watchdog cannot be started')
      return onExit()
    }
    child.on('exit', onExit).on('error', (error) => {
      onProblem(error.message)
      onExit()
    })
    child.stderr?.setEncoding('utf8').on('data', (message: string) => onProblem(message.trim()))
    // A watchdog that no longer reads its input is replaced, which `exit` starts.
    child.stdin?.on('error', () => child.kill('SIGKILL'))
    for (const [marker, line] of registered) {
      send(`register ${marker} ${deadlines.get(marker) ?? 0}`)
      if (line !== null) send(line)
    }
  }
  spawnNext()

  return {
    register(marker) {
      registered.set(marker, null)
      // A small write to a pipe is complete when it returns, so the watchdog knows of the script before it exists.
      send(`register ${marker} ${deadlines.get(marker) ?? 0}`)
    },
    extendDeadline(marker, remainingMs) {
      const deadline = ticksAfter(Math.max(0, remainingMs))
      deadlines.set(marker, deadline)
      if (registered.has(marker)) send(`extend ${marker} ${deadline}`)
    },
    setPid(marker, pid) {
      const line = `set_pid ${marker} ${pid} ${ticksAfter(0)}`
      registered.set(marker, line)
      send(line)
    },
    unregister(marker) {
      deadlines.delete(marker)
      if (registered.delete(marker)) send(`unregister ${marker}`)
    },
    async close() {
      isClosed = true
      const child = current
      if (child === null || child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.ref()
      child.stdin?.end()
      await withTimeout(exited, closeTimeoutMs, () => {})
    },
  }
}

/** Hundredths of a second since the machine started, which changes of the system time do not affect. */
const ticksAfter = (ms: number): number => Math.floor((uptime() + ms / 1000) * 100)

/** Returns null when the machine cannot start another process. */
function spawnWatchdog(killGraceMs: number, intervalMs: number): ChildProcess | null {
  try {
    const child = spawn(
      '/bin/sh',
      [scriptPath, String(Math.ceil(killGraceMs / 100)), String(intervalMs / 1000), configFolder('')],
      {
        env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
        stdio: ['pipe', 'ignore', 'pipe'],
        // A signal to the process group of the runner, e.g. by Ctrl-C, must not reach the watchdog.
        detached: true,
      },
    )
    // Neither the watchdog nor its pipes, which are sockets, may keep the runner from exiting.
    child.unref()
    for (const pipe of [child.stdin, child.stderr]) if (pipe instanceof Socket) pipe.unref()
    return child
  } catch {
    return null
  }
}
