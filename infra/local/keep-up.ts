/** Keeps a process up: started again when it dies, a few times with growing pauses, then given up. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, describeExit } from './child.ts'
import { lastWords } from './words.ts'

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
  let next = async () => first
  let deaths = 0
  for (;;) {
    // First a life, or an attempt at one: it ends in words.
    const bornAt = performance.now()
    const words = await next().then(lifeOf, (error: Error) => [error.message])
    if (stopping.aborted) return
    if (performance.now() - bornAt > steadyMs) deaths = 0

    // Then another one, after a pause, unless there were too many.
    const pauseMs = pausesMs[deaths]
    deaths += 1
    if (pauseMs === undefined) return giveUp([`${name} was started ${deaths} times.`, ...words].join('\n'))
    for (const line of [...words, `${name} is started again.`]) say(line)
    await sleep(pauseMs, null, { signal: stopping }).catch(() => null)
    if (stopping.aborted) return
    next = begin
  }
}

async function lifeOf(child: Child): Promise<string[]> {
  const exit = await child.exited
  return [`${child.name} ${describeExit(exit)}; its last words:`, ...lastWords(child)]
}
