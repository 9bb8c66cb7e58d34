/**
 * Keeps hold of checks that take long, so that a check is held only as long as its runner lives: one that is killed gives its
 * checks to the others after that time, however long a check may take. Made by watch.ts.
 */
import type { Logger } from 'pino'
import type { DueCheck } from '../db/checks.ts'
import { repeat } from './loop.ts'

export type Holds = {
  add(check: DueCheck): void
  /** Resolves when its `heldUntil` is the last one there will be; never rejects. */
  remove(check: DueCheck): Promise<void>
  stop(): Promise<void>
}

/** `hold` is asked four times in `holdMs` for what is under way by then. */
export function holdWhileUnderWay(
  log: Logger,
  holdMs: number,
  hold: (held: readonly DueCheck[]) => Promise<void>,
): Holds {
  const held = new Set<DueCheck>()
  let holding: Promise<void> = Promise.resolve()
  const loop = repeat(log, 'held checks', holdMs / 4, async () => {
    if (held.size === 0) return
    const round = hold([...held])
    holding = round.catch(() => {})
    await round
  })
  return {
    add: (check) => void held.add(check),
    remove: (check) => {
      held.delete(check)
      return holding
    },
    stop: loop.stop,
  }
}
