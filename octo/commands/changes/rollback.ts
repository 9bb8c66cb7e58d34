/** `octo rollback`: deploys the config of an earlier action again. Loaded by run.ts. */
import { Option } from 'clipanion'
import { statusOf } from '../../../client/action-outcome.ts'
import { diffBothLevels } from '../../../client/config-diff.ts'
import { hasEnded, kindFromWireName } from '../../../domain/actions.ts'
import {
  type KeyValue,
  type Override,
  overridesFromWire,
  type WireOverrides,
} from '../../../domain/overrides.ts'
import type { Action, FullInfo } from '../../../domain/schemas.ts'
import type { ActionContext, Started } from '../../actions/action-context.ts'
import type { ApiClient } from '../../api/types.ts'
import { ActionCommand } from '../../cli/action-command.ts'
import { nameOption, parseId, parseName } from '../../cli/base-command.ts'
import { confirm } from '../../cli/confirm.ts'
import { noteWaiting, parseWhenBusy, whenBusyOption } from '../../cli/when-busy.ts'
import { type Difference, diffConfigs, hideSecrets } from '../../config/diff.ts'
import { readEffectiveConfig } from '../../config/effective-config.ts'
import { shownValue } from '../../config/shown-value.ts'
import { CliError } from '../../errors/cli-error.ts'
import { actorLabel } from '../../output/actor-label.ts'
import { formatTimestamp } from '../../output/table.ts'
import { toSingleLine } from '../../output/terminal-text.ts'
import { levelNames } from '../../overrides/level-names.ts'
import { differenceLines } from '../../overrides/show-differences.ts'

export class Rollback extends ActionCommand {
  static override paths = [['rollback']]
  static override usage = ActionCommand.Usage({
    description: 'deploy the config of an earlier action again',
    details: `
      Without --to, the config of the last successful action whose config was another one than now. The whole config is taken, with secrets
      that you may not see. Shows the differences, and asks on a terminal. Starts nothing when the deployment has that config already.
    `,
    examples: [
      ['Back to the config before the last change', '$0 rollback feature-1 --wait'],
      ['What would change', '$0 rollback feature-1 --to 41 --dry-run'],
    ],
  })

  name = nameOption()
  to = Option.String('--to', {
    description: 'ID of the action whose config is deployed; octo actions lists them',
  })
  dryRun = Option.Boolean('--dry-run', false, { description: 'only show the differences' })
  yes = Option.Boolean('-y,--yes', false, { description: 'do not ask' })
  whenBusy = whenBusyOption()
  /** The action, and the revision that the shown differences are of. */
  private target: { actionId: number; revision: number } | null = null

  protected override async run(): Promise<number> {
    const name = parseName(this.name)
    parseWhenBusy(this.whenBusy)
    const to = this.to === undefined ? null : parseId('--to', this.to)
    const info = await this.call('getFullInfo', { params: { name } })
    const { deployment, revision } = info
    const action =
      to === null
        ? await this.findEarlier(name, deployment)
        : await this.call('getAction', { params: { action_id: to } })
    if (action.deployment !== name)
      throw new CliError(
        'refused',
        `Action ${action.action_id} is of deployment ${action.deployment}, not of ${name}.`,
        `See the actions of ${name}: octo actions ${name}`,
      )
    this.context.stderr.write(`Back to the config of ${toActionLine(action)}.\n`)
    const isSame = hasSameConfig(deployment, action)
    // A waiting action would give the deployment another config.
    if (isSame && !this.dryRun && !info.waiting_action) return this.printUnchanged(info)
    if (isSame) this.note('no difference to the config of now.')
    const differences = await withDefaults(await this.client(), differencesOf(deployment, action), action)
    const lines = differenceLines(differences, this.context)
    if (this.dryRun) {
      await this.print(lines)
      return 0
    }
    this.context.stderr.write(lines)
    if (!this.yes)
      await confirm(`Roll ${name} back to the config of action ${action.action_id}?`, this.context)
    this.target = { actionId: action.action_id, revision }
    return super.run()
  }

  protected async start(context: ActionContext): Promise<Started> {
    if (this.target === null) throw new TypeError('start before run')
    const name = parseName(this.name)
    const { actionId: action_id, revision } = this.target
    const options = { ...context.options, revision, whenBusy: parseWhenBusy(this.whenBusy) }
    const request = { params: { name }, body: { action_id } }
    const { actionId } = await context.client.request('rollbackDeployment', request, options)
    return noteWaiting({ ...context, options }, { kind: 'update', name, actionId })
  }

  private async printUnchanged(info: FullInfo): Promise<number> {
    const { deployment, last_action: last, metadata: links } = info
    const { name } = deployment
    const hasFailed = last !== null && hasEnded(last.state) && last.state !== 'succeeded'
    const advice = hasFailed ? ` Start the last action again: octo retry ${name}` : ''
    this.note(`no difference to the config of now; nothing was started.${advice}`)
    const status = statusOf(info)
    await this.printAction({ name, action: 'update', action_id: null, state: 'unchanged', status, links })
    return 0
  }

  private async findEarlier(name: string, present: WireOverrides<Override[]>): Promise<Action> {
    const actions = await this.call('listActions', { params: { name }, query: { limit: 500 } })
    const earlier = actions.find((action) => action.state === 'succeeded' && !hasSameConfig(present, action))
    if (earlier !== undefined) return earlier
    throw new CliError(
      'refused',
      `No successful action of ${name} had another config than now.`,
      `See all: octo actions ${name}`,
    )
  }
}

/** `action 8 (update, succeeded, 2026-03-01 08:00:00 by ann)` */
const toActionLine = (action: Action): string =>
  `action ${action.action_id} (${kindFromWireName(action.action)}, ${action.state}, ${formatTimestamp(action.created_at)} by ${toSingleLine(actorLabel(action))})`

/**
 * A reference to a secret has a digest of its value, so the same one stands for the same value of a deployment. References of servers
 * with another key differ, which starts an update that changes nothing.
 */
const hasSameConfig = (present: WireOverrides<Override[]>, action: WireOverrides<Override[]>): boolean =>
  diffBothLevels(overridesFromWire(present), overridesFromWire(action)).length === 0

/** What the rollback would change. */
function differencesOf(present: WireOverrides<Override[]>, action: WireOverrides<Override[]>): Difference[] {
  const [before, after] = [overridesFromWire(present), overridesFromWire(action)]
  const ofLevel = (level: 'application' | 'deployment') =>
    diffConfigs(levelNames[level], overridePairs(before[level]), overridePairs(after[level]))
  return hideSecrets([...ofLevel('deployment'), ...ofLevel('application')], true).differences
}

/** The defaults of now, which count where there is no override. Without them when they cannot be read. */
async function withDefaults(
  client: ApiClient,
  differences: readonly Difference[],
  action: WireOverrides<Override[]>,
): Promise<Difference[]> {
  if (differences.every(({ from, to }) => from !== null && to !== null)) return [...differences]
  try {
    const { defaults } = await readEffectiveConfig(client, overridesFromWire(action))
    const known = new Map(
      (['application', 'deployment'] as const).flatMap((level) =>
        defaults[level].map(([key, value]) => [
          `${levelNames[level]} ${key}`,
          `${shownValue(value)} (default)`,
        ]),
      ),
    )
    return differences.map((each) => {
      const standard = known.get(`${each.level} ${each.key}`) ?? null
      return { ...each, from: each.from ?? standard, to: each.to ?? standard }
    })
  } catch (error) {
    if (error instanceof CliError) return [...differences]
    throw error
  }
}

const overridePairs = (overrides: readonly Override[]): KeyValue[] =>
  overrides.map(([key, value]) => [key, value.tag === 'ValueAdded' ? value.contents : '<<REMOVED>>'])
