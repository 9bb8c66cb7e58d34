/** Hints of what has just been done: to clients, to runners. Nobody depends on them (law 7). */
import type { Services } from '../services.ts'

/** They are bounded in time and never rejected: a process need not wait for them, a Lambda is frozen after its answer. */
export async function waitUntil(
  { supportsStreaming }: Pick<Services, 'supportsStreaming'>,
  tasks: Promise<unknown>[],
): Promise<void> {
  if (!supportsStreaming) await Promise.all(tasks)
}
