/**
 * Base class of commands that start an action: --wait, --follow, --timeout, --reason, the Idempotency-Key, and the
 * record of the action. Extended by create, update, archive, restore, cleanup and retry.
 */
import { Option } from 'clipanion'
import { statusOf } from '../../client/action-outcome.ts'
import type { ActionKind, ActionState, WhenBusy } from '../../domain/actions.ts'
import type { BulkOperation } from '../../domain/changes/bulk-operations.ts'
import type { ActionContext, Started } from '../actions/action-context.ts'
import { createInterruptHandler } from '../actions/interrupt-handler.ts'
import { type Snapshot, targetStates } from '../actions/wait-outcome.ts'
import { dryRunOption, givenNames, isBulk, runBulk, yesOption } from '../bulk/run-bulk.ts'
import { CliError } from '../errors/cli-error.ts'
import { selectorOption } from '../labels/parse-labels.ts'
import type { RecordView } from '../output/formatter.ts'
import { createProgress } from '../output/progress.ts'
import type { Terminal } from '../output/terminal-text.ts'
import { ApiCommand } from './api-command.ts'
import { parseDurationMs } from './duration.ts'
import { parseWhenBusy } from './when-busy.ts'

/** What `-o json` and `-o yaml` print; `state` and `status` are null without --wait. `unchanged`: no action was needed. */
type ActionRecord = {
  name: string
  action: ActionKind
  action_id: number | null
  state: ActionState | 'unchanged' | null
  status: string | null
  links: { name: string; link: string }[]
}

export abstract class ActionCommand extends ApiCommand {
  abstract name: string
  wait = Option.Boolean('--wait', false, {
    description: 'wait until the deployment is Running, Archived or gone',
  })
  follow = Option.Boolean('--follow', false, {
    description: 'show the output of the script on stderr while waiting',
  })
  timeout = Option.String('--timeout', { description: 'how long to wait, such as 90s or 15m (default 1h)' })
  reason = Option.String('--reason', { description: 'reason, stored with the action' })
  key = Option.String('--idempotency-key', {
    description: 'a key that you choose: the same command with the same key takes effect once',
  })
  cancelOnInterrupt = Option.Boolean('--cancel-on-interrupt', false, {
    description: 'with --wait or --follow: Ctrl-C or the end of a CI job also cancels the action',
  })
  quiet = Option.Boolean('-q,--quiet', false, { description: 'no progress on stderr' })

  /** Sends the request that starts the action. */
  protected abstract start(context: ActionContext): Promise<Started>

  protected async run(): Promise<number> {
    const shouldWait = this.wait || this.follow
    const unusedOption =
      this.timeout !== undefined ? '--timeout' : this.cancelOnInterrupt ? '--cancel-on-interrupt' : null
    if (unusedOption !== null && !shouldWait)
      throw new CliError('usage', `${unusedOption} needs --wait or --follow.`)
    const timeoutMs = parseDurationMs('--timeout', this.timeout ?? '1h')
    const key = parseIdempotencyKey(this.key)
    const { stderr, env } = this.context
    const { name, follow, cancelOnInterrupt } = this
    const baseClient = await this.client()
    const progress = createProgress(stderr as unknown as Terminal, env, this.quiet)
    const interruptHandler = createInterruptHandler(baseClient, { name, progress, cancelOnInterrupt })
    const client = { ...baseClient, request: interruptHandler.request }
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
    await this.printResult(failure, () => this.printAction(toRecord(started, snapshot)))
    return 0
  }

  protected async printAction(record: ActionRecord): Promise<void> {
    if (this.format !== null) await this.printRecords({ record }, view, 'name')
  }
}

/**
 * The same action of one deployment or of many: with several names, -l or --dry-run one request is sent for all. Extended by archive,
 * restore and retry.
 */
export abstract class BulkActionCommand extends ActionCommand {
  names = Option.Rest({ name: 'NAME' })
  nameOption = Option.String('-n,--name', { description: 'name of the deployment, instead of NAME' })
  selector = selectorOption()
  dryRun = dryRunOption()
  yes = yesOption()

  /** Of commands that have --when-busy. */
  whenBusy: string | undefined
  protected abstract readonly operation: BulkOperation
  /** Begins the question, as in `Archive 3 deployments?`. */
  protected abstract readonly verb: string

  get name(): string {
    const [name] = this.allNames()
    if (name === undefined) throw new CliError('usage', `${this.operation} needs NAME.`)
    return name
  }

  protected override async run(): Promise<number> {
    const { selector, dryRun, yes, reason, quiet } = this
    const options = { names: this.allNames(), selector, dryRun, yes, reason, quiet }
    if (!isBulk(options)) return super.run()
    if (this.wait || this.follow)
      throw new CliError(
        'usage',
        '--wait and --follow go with one deployment: octo wait NAME waits for each.',
      )
    const key = parseIdempotencyKey(this.key)
    const change = { operation: this.operation, when_busy: parseWhenBusy(this.whenBusy) }
    return runBulk(this.bulkHost(), this.verb, change, { ...options, key })
  }

  private allNames(): string[] {
    return givenNames(this.operation, this.nameOption, this.names)
  }
}

const endpoints = {
  archive: 'archiveDeployment',
  restore: 'restoreDeployment',
  cleanup: 'cleanupDeployment',
} as const

/** Starts an action that needs only the name. */
export async function submitAction(
  { client, options }: Pick<ActionContext, 'client' | 'options'>,
  kind: keyof typeof endpoints,
  name: string,
  whenBusy?: WhenBusy,
): Promise<Started> {
  const { actionId } = await client.request(
    endpoints[kind],
    { params: { name } },
    { ...options, ...(whenBusy === undefined ? {} : { whenBusy }) },
  )
  return { kind, name, actionId }
}

/** The server accepts visible ASCII characters; create --or-update appends a suffix. */
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
