/**
 * Tells the clients when no runner is connected, because actions would then wait without a visible reason. Started by
 * server.ts.
 */
import type { ActionQueue } from '../../db/queue/action-queue.ts'
import type { WebSocketRelay } from './websocket.ts'

/** A runner that restarts is missing at one check, but not at this many in a row. */
const checksWithoutRunner = 2

/** Returns the function that stops it. Where the number of runners is unknown, nothing is told. */
export function watchRunners(
  { countRunners }: Pick<ActionQueue, 'countRunners'>,
  { setRunnerMissing }: Pick<WebSocketRelay, 'setRunnerMissing'>,
  intervalMs = 5000,
): () => void {
  let missing = 0
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const check = async () => {
    missing = (await countRunners()) === 0 ? missing + 1 : 0
    if (stopped) return
    setRunnerMissing(missing >= checksWithoutRunner)
    timer = setTimeout(check, intervalMs)
  }
  void check()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}
