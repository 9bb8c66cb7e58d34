/** All processes of one `npm start`: who is up, in which order they came, and how they go. */
import type { Child } from './child.ts'
import type { Home } from './home.ts'
import { type Kept, keepUp, type Start } from './keep-up.ts'
import { recordProcesses } from './leftovers.ts'
import { Problem } from './problem.ts'

export type Crew = {
  /** Starts one and keeps it up; resolves when it is ready. */
  up(name: string, start: Start): Promise<void>
  /** To be told of processes that run to their end. */
  onSpawn(child: Child): void
  /** Rejects when one that should be up is given up. */
  broken: Promise<never>
  /** The last come goes first, each with its own patience. */
  stop(): Promise<void>
  kill(): void
}

export function makeCrew(home: Home, say: (line: string) => void): Crew {
  const kept: Kept[] = []
  const living = new Set<Child>()
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => {})
  let stopping = false
  const record = () => recordProcesses(home.file('processes.json'), [...living])

  const onSpawn = (child: Child) => {
    living.add(child)
    record()
    child.exited.then(() => {
      living.delete(child)
      record()
    })
    if (stopping) child.stop()
  }
  return {
    onSpawn,
    broken: broken.promise,
    up: async (name, start) => {
      if (stopping) throw new Problem(`${name} is not started: everything is stopping.`)
      const giveUp = (why: string) => broken.reject(new Problem(why))
      const one = keepUp(name, start, { say, giveUp, onSpawn })
      kept.push(one)
      await one.ready
    },
    stop: async () => {
      stopping = true
      for (const one of kept.toReversed()) await one.stop()
      await Promise.all([...living].map((child) => child.stop()))
    },
    kill: () => {
      for (const child of living) child.kill()
    },
  }
}
