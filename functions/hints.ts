/** Hints of what has just been done: to clients, to runners. Nobody depends on them (law 7). */
import type { Services } from './services.ts'

/** They are bounded in time and never rejected: a process need not wait for them, a Lambda is frozen after its answer. */
export async function hinted(
  { mayWait }: Pick<Services, 'mayWait'>,
  hints: Promise<unknown>[],
): Promise<void> {
  if (!mayWait) await Promise.all(hints)
}
