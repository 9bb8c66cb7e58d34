/**
 * `octo watch`: shows changes of deployments, as a live table on a terminal and as lines elsewhere. Loaded by run.ts.
 */
import { Option } from 'clipanion'
import type { ChangeEvent } from '../../../domain/event.ts'
import type { FullInfo } from '../../../domain/schemas.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { optionalNameOption, parseName } from '../../cli/base-command.ts'
import { parseDurationMs } from '../../cli/duration.ts'
import { onInterrupt } from '../../cli/signals.ts'
import { actorLabel } from '../../output/actor-label.ts'
import { actionLabel, deploymentView, statusLabel } from '../../output/columns.ts'
import { formatTable, type RecordView } from '../../output/formatter.ts'
import { type Terminal, toSingleLine } from '../../output/terminal-text.ts'

const cursorHome = '\u001b[H'
const clearBelow = '\u001b[J'
const clearLine = '\u001b[K'
const enterAlternateScreen = '\u001b[?1049h\u001b[?25l'
const leaveAlternateScreen = '\u001b[?25h\u001b[?1049l'

export class Watch extends ApiCommand {
  static override paths = [['watch']]
  static override usage = ApiCommand.Usage({
    description: 'watch deployments change',
    details: `
      Shows a live table on a terminal. Elsewhere it prints one line for each deployment and then for each change.
      With -o jsonl, json or yaml it prints the events of the server, with -o name the names of changed deployments.
      Ends with Ctrl-C, or with exit code 0 after --timeout.
    `,
    examples: [
      ['All deployments', '$0 watch'],
      ['One deployment', '$0 watch feature-1'],
      ['Events for a program', '$0 watch -o jsonl'],
    ],
  })

  name = optionalNameOption('only this deployment; instead of NAME')
  timeout = Option.String('--timeout', { description: 'when to end, such as 10m (default: never)' })

  protected async run(): Promise<void> {
    const onlyName = this.name === undefined ? null : parseName(this.name)
    const timeoutMs =
      this.timeout === undefined ? Number.POSITIVE_INFINITY : parseDurationMs('--timeout', this.timeout)
    const deadlineMs = performance.now() + timeoutMs
    const screen = this.context.stdout as unknown as Terminal & { rows?: number }
    const isForHumans = this.format === null || this.format === 'table'
    const isInteractive = screen.isTTY === true && isForHumans && this.context.env.TERM !== 'dumb'
    const { watchDeployments } = await import('../../actions/watch-deployments.ts')
    const client = await this.client()
    let wasNamed = false
    const restoreScreen = isInteractive ? takeOverScreen(screen) : () => {}
    try {
      await watchDeployments(client, {
        deadlineMs,
        onChange: async (event) => {
          if (!isInteractive && (onlyName === null || event.name === onlyName)) await this.printEvent(event)
        },
        onUpdate: async (deployments, isLive) => {
          const shown =
            deployments?.filter(({ deployment }) => onlyName === null || deployment.name === onlyName) ?? null
          const missing = onlyName !== null && shown?.length === 0 ? onlyName : null
          if (isInteractive) {
            const heading = describeScreen(shown, isLive, missing)
            await this.print(renderScreen(heading, shown ?? [], screen.rows || 24, screen.columns || 80))
          } else if (missing !== null && !wasNamed) this.note(waitingFor(missing))
          wasNamed ||= deployments !== null
        },
        onServerDown: (failure) => {
          if (!isInteractive) this.note(`${failure.message} Reconnecting.`)
        },
      })
    } finally {
      restoreScreen()
    }
  }

  /** Prints every event as a document of its own, so that a program can read it at once. */
  private async printEvent(event: ChangeEvent): Promise<void> {
    if (this.format === null || this.format === 'table') return this.print(formatEvent(event))
    if (this.format === 'yaml') await this.print('---\n')
    await this.printRecords({ record: event }, view, this.format)
  }
}

const view: RecordView<ChangeEvent> = { name: ({ name }) => name, columns: {} }

/** Switches to the alternate screen; the shell's screen returns however the command ends. */
function takeOverScreen(screen: Terminal): () => void {
  const restoreScreen = () => screen.write(leaveAlternateScreen)
  process.once('exit', restoreScreen)
  const removeListeners = onInterrupt((endProcess) => {
    restoreScreen()
    endProcess()
  })
  screen.write(enterAlternateScreen)
  return () => {
    process.off('exit', restoreScreen)
    removeListeners()
    restoreScreen()
  }
}

function formatEvent(event: ChangeEvent): string {
  const name = toSingleLine(event.name)
  if (event.type === 'deleted') return `${name}  gone\n`
  const { deployment: info } = event
  const last =
    info.last_action === null ? '' : `  ${actionLabel(info.last_action)} by ${actorLabel(info.last_action)}`
  const error = info.last_action?.error ?? null
  const reason = error === null ? '' : `: ${error}`
  return `${name}  ${statusLabel(info)}${toSingleLine(last + reason)}\n`
}

/** What octo waits for when no deployment has the name; a typing mistake would otherwise look like silence. */
const waitingFor = (name: string) =>
  `there is no deployment ${name}. Waiting until it is created; octo list shows the names.`

/** `missing`: the name of -n when no deployment has it. */
function describeScreen(
  deployments: readonly FullInfo[] | null,
  isLive: boolean,
  missing: string | null,
): string {
  const connection = isLive ? 'live' : 'polling every few seconds'
  if (deployments === null) return 'Waiting for the server'
  if (missing !== null) return `${waitingFor(missing)} · ${connection}`
  const noun = deployments.length === 1 ? 'deployment' : 'deployments'
  return `${deployments.length} ${noun} · ${connection}`
}

/** The last changed deployments first, as many as fit on the terminal. */
function renderScreen(
  heading: string,
  deployments: readonly FullInfo[],
  rows: number,
  columns: number,
): string {
  const newestFirst = deployments.toSorted(
    (left, right) => Date.parse(right.updated_at) - Date.parse(left.updated_at),
  )
  const visibleRows = Math.max(1, rows - 3)
  const hiddenCount = newestFirst.length - visibleRows
  const lines = [
    `${heading} · Ctrl-C to quit`,
    ...formatTable(deploymentView, newestFirst.slice(0, visibleRows)).trimEnd().split('\n'),
    ...(hiddenCount > 0 ? [`and ${hiddenCount} more`] : []),
  ]
  const truncate = (line: string) => [...line].slice(0, columns).join('')
  return cursorHome + lines.map((line) => `${truncate(line)}${clearLine}`).join('\n') + clearBelow
}
