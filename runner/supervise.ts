/**
 * A small companion of the runner that ends its scripts when the runner is lost (law 5). Made once by main, given
 * to every runProcess; hands the work to supervise.sh. A frozen runner is not lost: for that a lease is needed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'

export type Supervisor = {
  /** To be called before a script is started: from here on it does not outlive the runner. */
  start(mark: string): void
  /** Its process, which leads its group. */
  is(mark: string, pid: number): void
  end(mark: string): void
  close(): Promise<void>
}

const file = fileURLToPath(new URL('supervise.sh', import.meta.url))
const closeMs = 2000
/** Between the death of a companion and the next: where none can live, trying must cost little. */
const pauseMs = 500

export function createSupervisor(killGraceMs: number): Supervisor {
  const live = new Map<string, number | null>()
  let closed = false
  let companion: ChildProcess | null = null

  const tell = (line: string) => companion?.stdin?.write(`${line}\n`)

  const begin = () => {
    if (closed) return
    const child = spawnCompanion(killGraceMs)
    companion = child
    const gone = () => {
      if (companion !== child) return
      companion = null
      setTimeout(begin, pauseMs).unref()
    }
    if (child === null) return gone()
    child.on('error', gone).on('exit', gone)
    // That its pipe broke is told by `exit`.
    child.stdin?.on('error', () => {})
    for (const [mark, pid] of live) {
      tell(`start ${mark}`)
      if (pid !== null) tell(`is ${mark} ${pid}`)
    }
  }
  begin()

  return {
    start(mark) {
      live.set(mark, null)
      // Small writes to a pipe with room are done when this returns: it is told before the script exists.
      tell(`start ${mark}`)
    },
    is(mark, pid) {
      live.set(mark, pid)
      tell(`is ${mark} ${pid}`)
    },
    end(mark) {
      live.delete(mark)
      tell(`end ${mark}`)
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
function spawnCompanion(killGraceMs: number): ChildProcess | null {
  try {
    const child = spawn('/bin/sh', [file, String(Math.ceil(killGraceMs / 100))], {
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
      stdio: ['pipe', 'ignore', 'ignore'],
      // Whoever signals the group of the runner, e.g. with Ctrl-C, must not hit it.
      detached: true,
    })
    // The companion must not keep the runner from ending, and neither must the pipe, which is a socket.
    child.unref()
    if (child.stdin instanceof Socket) child.stdin.unref()
    return child
  } catch {
    return null
  }
}
