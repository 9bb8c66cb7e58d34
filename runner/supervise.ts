/**
 * A small companion of the runner that ends its scripts when the runner cannot (law 5): it is lost, or it is frozen and
 * the lease of a script runs out. Made once by main, given to every runProcess; hands the work to supervise.sh.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { uptime } from 'node:os'
import { fileURLToPath } from 'node:url'

export type Supervisor = {
  /** To be called before a script is started: from here on it does not outlive the runner. */
  start(mark: string): void
  /** From here on it does not live longer than `leftMs` (and the grace) unless this is called again: its lease was
   * renewed. May be called before `start`. */
  until(mark: string, leftMs: number): void
  /** Its process, which leads its group. */
  is(mark: string, pid: number): void
  end(mark: string): void
  close(): Promise<void>
}

const file = fileURLToPath(new URL('supervise.sh', import.meta.url))
const closeMs = 2000
/** Between the death of a companion and the next: where none can live, trying must cost little. */
const pauseMs = 500
/** How often it looks at the clock: a short lease is looked at more often. */
export const lookMs = (leaseMs: number): number => Math.min(500, leaseMs / 10)

/** `onProblem`: what the companion cannot do on this machine, in words; told again as long as it lasts. */
export function createSupervisor(
  killGraceMs: number,
  leaseMs = 20_000,
  onProblem: (words: string) => void = () => {},
): Supervisor {
  const live = new Map<string, number | null>()
  const deadlines = new Map<string, number>()
  let closed = false
  let companion: ChildProcess | null = null

  const tell = (line: string) => companion?.stdin?.write(`${line}\n`)

  const begin = () => {
    if (closed) return
    const child = spawnCompanion(killGraceMs, lookMs(leaseMs))
    companion = child
    const gone = () => {
      if (companion !== child) return
      companion = null
      setTimeout(begin, pauseMs).unref()
    }
    if (child === null) {
      onProblem('no companion can be started')
      return gone()
    }
    child.on('exit', gone).on('error', (error) => {
      onProblem(error.message)
      gone()
    })
    child.stderr?.setEncoding('utf8').on('data', (words: string) => onProblem(words.trim()))
    // One that hears nothing any more, though it may live, is replaced: `exit` tells.
    child.stdin?.on('error', () => child.kill('SIGKILL'))
    for (const [mark, pid] of live) {
      tell(`start ${mark} ${deadlines.get(mark) ?? 0}`)
      if (pid !== null) tell(`is ${mark} ${pid}`)
    }
  }
  begin()

  return {
    start(mark) {
      live.set(mark, null)
      // Small writes to a pipe with room are done when this returns: it is told before the script exists.
      tell(`start ${mark} ${deadlines.get(mark) ?? 0}`)
    },
    until(mark, leftMs) {
      // Hundredths of a second since the machine started: no change of the clock moves them.
      const deadline = Math.floor((uptime() + Math.max(0, leftMs) / 1000) * 100)
      deadlines.set(mark, deadline)
      if (live.has(mark)) tell(`until ${mark} ${deadline}`)
    },
    is(mark, pid) {
      live.set(mark, pid)
      tell(`is ${mark} ${pid}`)
    },
    end(mark) {
      deadlines.delete(mark)
      if (live.delete(mark)) tell(`end ${mark}`)
    },
    async close() {
      closed = true
      const child = companion
      if (child === null || child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.ref()
      child.stdin?.end()
      await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, closeMs).unref())])
    },
  }
}

/** Null when this machine has no process to spare now. */
function spawnCompanion(killGraceMs: number, everyMs: number): ChildProcess | null {
  try {
    const child = spawn('/bin/sh', [file, String(Math.ceil(killGraceMs / 100)), String(everyMs / 1000)], {
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
      stdio: ['pipe', 'ignore', 'pipe'],
      // Whoever signals the group of the runner, e.g. with Ctrl-C, must not hit it.
      detached: true,
    })
    // The companion must not keep the runner from ending, and neither must its pipes, which are sockets.
    child.unref()
    for (const pipe of [child.stdin, child.stderr]) if (pipe instanceof Socket) pipe.unref()
    return child
  } catch {
    return null
  }
}
