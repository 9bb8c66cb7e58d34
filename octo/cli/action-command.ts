/**
 * What the commands that begin an action have in common: --wait, --follow, --timeout, --reason, the Idempotency-Key and
 * the record of what was begun. Base of create, update, archive, restore, cleanup and retry.
 */
import { Option } from 'clipanion'
import type { ActionKind } from '../../domain/actions.ts'
import { createInterruptHandler, type InterruptHandler } from '../actions/interrupt-handler.ts'
import { type Snapshot, statusOf, targetStates } from '../actions/wait-outcome.ts'
import type { ApiClient, RequestOptions } from '../api/client.ts'
import { CliError } from '../errors/cli-error.ts'
import type { RecordView } from '../output/formatter.ts'
import { createProgress, type Progress, type Terminal } from '../output/progress.ts'
import { ApiCommand } from './api-command.ts'
import { parseDurationMs } from './duration.ts'

export type Started = { kind: ActionKind; name: string; actionId: number | null }
/** What `-o json` and `-o yaml` print; `state` and `status` are null where nobody waited for them. */
type ActionRecord = {
  name: string
  action: ActionKind
  action_id: number | null
  state: string | null
  status: string | null
  links: { name: string; link: string }[]
}
/** `octopod` asks by way of `leaving`. */
export type ActionContext = {
  client: ApiClient
  options: RequestOptions
  progress: Progress
  deadlineMs: number
  follow: boolean
  interruptHandler: InterruptHandler
}

export abstract class ActionCommand extends ApiCommand {
  abstract name: string
  wait = Option.Boolean('--wait', false, {
    description: 'wait until the deployment is Running, Archived or gone',
  })
  follow = Option.Boolean('--follow', false, {
    description: 'show the output of the script on stderr while waiting (needs the admin credential)',
  })
  timeout = Option.String('--timeout', { description: 'how long to wait, such as 90s or 15m (default 1h)' })
  reason = Option.String('--reason', { description: 'why; kept with the action' })
  key = Option.String('--idempotency-key', {
    description: 'a text of your own: the same command with the same key acts once',
  })
  cancelOnInterrupt = Option.Boolean('--cancel-on-interrupt', false, {
    description: 'with --wait or --follow, Ctrl-C or the end of a CI job cancels the action too',
  })
  quiet = Option.Boolean('-q,--quiet', false, { description: 'no progress on stderr' })

  /** Sends the request. */
  protected abstract start(context: ActionContext): Promise<Started>

  protected async run(): Promise<void> {
    const shouldWait = this.wait || this.follow
    const unusedOption =
      this.timeout !== undefined ? '--timeout' : this.cancelOnInterrupt ? '--cancel-on-interrupt' : null
    if (unusedOption !== null && !shouldWait)
      throw new CliError('usage', `${unusedOption} needs --wait or --follow.`)
    const timeoutMs = parseDurationMs('--timeout', this.timeout ?? '1h')
    const key = parseIdempotencyKey(this.key)
    const { stderr, env } = this.context
    const { name, follow, cancelOnInterrupt } = this
    const plainClient = await this.client()
    const progress = createProgress(stderr as unknown as Terminal, env, this.quiet)
    const interruptHandler = createInterruptHandler(plainClient, { name, progress, cancelOnInterrupt })
    const client = { ...plainClient, ask: interruptHandler.send }
    const deadlineMs = performance.now() + timeoutMs
    let started: Started
    let snapshot: Snapshot | null = null
    let failure: unknown = null
    try {
      const options = { key, reason: this.reason }
      started = await this.start({ client, options, progress, deadlineMs, follow, interruptHandler })
      if (shouldWait) {
        const { waitAndFollow } = await import('../actions/wait-and-follow.ts')
        const target = {
          name: started.name,
          targetState: targetStates[started.kind],
          actionId: started.actionId,
        }
        const outcome = await waitAndFollow(client, target, {
          follow,
          interruptHandler,
          progress,
          deadlineMs,
        })
        snapshot = outcome.snapshot
        failure = outcome.failure
      }
    } finally {
      interruptHandler.close()
      progress.end()
    }
    if (this.format !== null) await this.printRecords({ one: toRecord(started, snapshot) }, view, 'name')
    if (failure !== null) throw failure
  }
}

const endpoints = {
  archive: 'archiveDeployment',
  restore: 'restoreDeployment',
  cleanup: 'cleanupDeployment',
} as const

/** Begins what needs nothing but the name. */
export async function submitAction(
  { client, options }: Pick<ActionContext, 'client' | 'options'>,
  kind: keyof typeof endpoints,
  name: string,
): Promise<Started> {
  const { actionId } = await client.request(endpoints[kind], { params: { name } }, options)
  return { kind, name, actionId }
}

/** The server takes visible ASCII, and create --or-update appends to it. */
export function parseIdempotencyKey(key: string | undefined): string | undefined {
  if (key === undefined || /^[\x21-\x7e]{1,180}$/.test(key)) return key
  throw new CliError('usage', '--idempotency-key needs 1 to 180 visible ASCII characters without spaces.')
}

function toRecord({ kind, name, actionId }: Started, snapshot: Snapshot | null): ActionRecord {
  const info = snapshot?.info ?? null
  const isGone = snapshot !== null && info === null
  return {
    name,
    action: kind,
    action_id: snapshot?.action?.action_id ?? actionId,
    state: snapshot?.action?.state ?? (isGone && kind === 'cleanup' ? 'succeeded' : null),
    status: info === null ? (isGone ? 'gone' : null) : statusOf(info),
    links: info?.metadata ?? [],
  }
}

const view: RecordView<ActionRecord> = {
  name: ({ name }) => name,
  columns: {
    NAME: ({ name }) => name,
    ACTION: ({ action }) => action,
    ID: ({ action_id }) => (action_id === null ? '' : String(action_id)),
    STATE: ({ state }) => state ?? 'accepted',
    STATUS: ({ status }) => status ?? '',
    LINK: ({ links }) => links[0]?.link ?? '',
  },
}
