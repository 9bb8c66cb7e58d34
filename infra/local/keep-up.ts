/** Keeps a process up: started again when it dies, a few times with growing pauses, then given up. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, describeExit } from './child.ts'

/** Starts the process, tells of every child it spawns, and resolves with the lasting one when it is ready. */
export type Start = (onSpawn: (child: Child) => void) => Promise<Child>

export type Kept = {
  /** Rejects with what the first start throws. */
  ready: Promise<void>
  /** Ends it, also while it is coming up; it is not started again. */
  stop(): Promise<void>
}

export type Care = {
  /** Pauses before the attempts to start it again; after the last one it is given up. */
  pausesMs?: readonly number[]
  /** A life as long as this makes earlier deaths forgotten. */
  steadyMs?: number
  onSpawn?: (child: Child) => void
  say: (line: string) => void
  giveUp: (why: string) => void
}

export function keepUp(name: string, start: Start, care: Care): Kept {
  const stopping = new AbortController()
  const living = new Set<Child>()
  const begin = () =>
    start((child) => {
      living.add(child)
      child.exited.then(() => living.delete(child))
      care.onSpawn?.(child)
      if (stopping.signal.aborted) child.stop()
    })
  const first = begin()
  const watching = first.then(
    (child) => watch(name, child, begin, stopping.signal, care),
    () => {},
  )
  return {
    ready: first.then(() => {}),
    stop: async () => {
      stopping.abort()
      await Promise.all([...living].map((child) => child.stop()))
      await watching
    },
  }
}

async function watch(
  name: string,
  first: Child,
  begin: () => Promise<Child>,
  stopping: AbortSignal,
  { pausesMs = [500, 2_000, 5_000], steadyMs = 60_000, say, giveUp }: Care,
): Promise<void> {
  let child = first
  let deaths = 0
  for (;;) {
    const bornAt = performance.now()
    const exit = await child.exited
    if (stopping.aborted) return
    for (const line of child.lastLines().slice(-5)) say(`  ${line}`)

    if (performance.now() - bornAt > steadyMs) deaths = 0
    const pauseMs = pausesMs[deaths]
    deaths += 1
    if (pauseMs === undefined) return giveUp(`${name} ${describeExit(exit)}, and not for the first time`)
    say(`${name} ${describeExit(exit)}; it is started again.`)
    await sleep(pauseMs, null, { signal: stopping }).catch(() => null)
    if (stopping.aborted) return

    try {
      child = await begin()
    } catch (error) {
      if (!stopping.aborted) giveUp((error as Error).message)
      return
    }
  }
}
