/** Waits for notifications after a commit only where the process is frozen after its answer, as on AWS Lambda. */
import type { Services } from '../services.ts'

/**
 * `tasks` (queue notifications, published events) are bounded in time and never reject. Nothing depends on them:
 * clients and runners also find changes by polling.
 */
export async function waitUntil(
  { supportsStreaming }: Pick<Services, 'supportsStreaming'>,
  tasks: Promise<unknown>[],
): Promise<void> {
  if (!supportsStreaming) await Promise.all(tasks)
}
