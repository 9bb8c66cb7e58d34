/**
 * What the commands that begin an action have in common: --wait, --follow, --timeout, --reason, the Idempotency-Key and
 * the record of what was begun. Base of create, update, archive, restore, cleanup and retry.
 */
import { Option } from 'clipanion'
import type { ActionKind } from '../domain/action.ts'
import type { Extra, Octopod } from './client.ts'
import { durationMs } from './duration.ts'
import { Failure } from './failure.ts'
import { type Leaving, openLeaving } from './leaving.ts'
import { OnlineCommand } from './online.ts'
import type { Look } from './output.ts'
import { openProgress, type Progress, type Screen } from './progress.ts'
import { aims, type Sight, statusOf } from './verdict.ts'

export type Begun = { kind: ActionKind; name: string; actionId: number | null }
/** What `-o json` and `-o yaml` print; `state` and `status` are null where nobody waited for them. */
type Told = {
  name: string
  action: ActionKind
  action_id: number | null
  state: string | null
  status: string | null
  links: { name: string; link: string }[]
}
/** `octopod` asks by way of `leaving`. */
export type Tools = {
  octopod: Octopod
  extra: Extra
  progress: Progress
  deadlineMs: number
  follow: boolean
  leaving: Leaving
}

export abstract class ChangeCommand extends OnlineCommand {
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
  protected abstract begin(tools: Tools): Promise<Begun>

  protected async act(): Promise<void> {
    const waits = this.wait || this.follow
    const idle =
      this.timeout !== undefined ? '--timeout' : this.cancelOnInterrupt ? '--cancel-on-interrupt' : null
    if (idle !== null && !waits) throw new Failure('usage', `${idle} needs --wait or --follow.`)
    const timeoutMs = durationMs('--timeout', this.timeout ?? '1h')
    const key = checkedKey(this.key)
    const { stderr, env } = this.context
    const { name, follow, cancelOnInterrupt: cancels } = this
    const plain = await this.octopod()
    const progress = openProgress(stderr as unknown as Screen, env, this.quiet)
    const leaving = openLeaving(plain, { name, progress, cancels })
    const octopod = { ...plain, ask: leaving.ask }
    const deadlineMs = performance.now() + timeoutMs
    let begun: Begun
    let sight: Sight | null = null
    let failure: unknown = null
    try {
      const extra = { key, reason: this.reason }
      begun = await this.begin({ octopod, extra, progress, deadlineMs, follow, leaving })
      if (waits) {
        const { accompany } = await import('./accompany.ts')
        const goal = { name: begun.name, aim: aims[begun.kind], actionId: begun.actionId }
        const end = await accompany(octopod, goal, { follow, leaving, progress, deadlineMs })
        sight = end.sight
        failure = end.failure
      }
    } finally {
      leaving.close()
      progress.end()
    }
    if (this.format !== null) await this.tell({ one: recordOf(begun, sight) }, look, 'name')
    if (failure !== null) throw failure
  }
}

const endpoints = {
  archive: 'archiveDeployment',
  restore: 'restoreDeployment',
  cleanup: 'cleanupDeployment',
} as const

/** Begins what needs nothing but the name. */
export async function move(
  { octopod, extra }: Pick<Tools, 'octopod' | 'extra'>,
  kind: keyof typeof endpoints,
  name: string,
): Promise<Begun> {
  const { actionId } = await octopod.ask(endpoints[kind], { params: { name } }, extra)
  return { kind, name, actionId }
}

/** The server takes visible ASCII, and create --or-update appends to it. */
export function checkedKey(key: string | undefined): string | undefined {
  if (key === undefined || /^[\x21-\x7e]{1,180}$/.test(key)) return key
  throw new Failure('usage', '--idempotency-key needs 1 to 180 visible ASCII characters without spaces.')
}

function recordOf({ kind, name, actionId }: Begun, sight: Sight | null): Told {
  const info = sight?.info ?? null
  const gone = sight !== null && info === null
  return {
    name,
    action: kind,
    action_id: sight?.action?.action_id ?? actionId,
    state: sight?.action?.state ?? (gone && kind === 'cleanup' ? 'succeeded' : null),
    status: info === null ? (gone ? 'gone' : null) : statusOf(info),
    links: info?.metadata ?? [],
  }
}

const look: Look<Told> = {
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
