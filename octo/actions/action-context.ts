/** Types that the commands which start an action share. Imported by action-command.ts and create-or-update.ts. */
import type { ActionKind } from '../../domain/actions.ts'
import type { ApiClient, RequestOptions } from '../api/types.ts'
import type { Progress } from '../output/progress.ts'
import type { InterruptHandler } from './interrupt-handler.ts'

/** The action that a command started; `actionId` is null when the server did not send it. */
export type Started = { kind: ActionKind; name: string; actionId: number | null }

export type ActionContext = {
  /** Sends its requests through `interruptHandler`. */
  client: ApiClient
  options: RequestOptions
  progress: Progress
  /** Compared with performance.now(). */
  deadlineMs: number
  follow: boolean
  interruptHandler: InterruptHandler
}
