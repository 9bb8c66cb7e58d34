/** `octo watch`: all deployments as they change; a live table on a terminal, a line a change elsewhere. Loaded by run.ts. */
import { Option } from 'clipanion'
import type { ChangeEvent } from '../../domain/event.ts'
import type { FullInfo } from '../../domain/shapes.ts'
import { checkedName } from '../command.ts'
import { durationMs } from '../duration.ts'
import { onInterrupt } from '../interrupt.ts'
import { deploymentLook, shownAction, shownStatus } from '../looks.ts'
import { OnlineCommand } from '../online.ts'
import { type Look, table } from '../output.ts'
import type { Screen } from '../progress.ts'
import { oneLine } from '../text.ts'

const home = '\u001b[H'
const clearBelow = '\u001b[J'
const clearLine = '\u001b[K'
const newScreen = '\u001b[?1049h\u001b[?25l'
const oldScreen = '\u001b[?25h\u001b[?1049l'

export class Watch extends OnlineCommand {
  static override paths = [['watch']]
  static override usage = OnlineCommand.Usage({
    description: 'watch deployments change',
    details: `
      A table that is always up to date on a terminal; elsewhere one line for each deployment and then for each change.
      With -o jsonl, json and yaml they are the events as the server sends them, with -o name the names of what changed.
      Ends with Ctrl-C, or with 0 after --timeout.
    `,
    examples: [
      ['All of them', '$0 watch'],
      ['One of them', '$0 watch -n feature-1'],
      ['Events for a program', '$0 watch -o jsonl'],
    ],
  })

  name = Option.String('-n,--name', { description: 'only this deployment' })
  timeout = Option.String('--timeout', { description: 'when to end, such as 10m (default never)' })

  protected async act(): Promise<void> {
    const only = this.name === undefined ? null : checkedName(this.name)
    const lastsMs =
      this.timeout === undefined ? Number.POSITIVE_INFINITY : durationMs('--timeout', this.timeout)
    const deadlineMs = performance.now() + lastsMs
    const screen = this.context.stdout as unknown as Screen & { rows?: number }
    const forEyes = this.format === null || this.format === 'table'
    const drawn = screen.isTTY === true && forEyes && this.context.env.TERM !== 'dumb'
    const { watchAll } = await import('../watching.ts')
    const octopod = await this.octopod()
    const leave = drawn ? takeScreen(screen) : () => {}
    try {
      await watchAll(octopod, {
        deadlineMs,
        onChange: async (event) => {
          if (!drawn && (only === null || event.name === only)) await this.line(event)
        },
        onTurn: (all, hearing) => {
          if (!drawn) return
          const shown = only === null ? all : all.filter(({ deployment }) => deployment.name === only)
          screen.write(pageOf(shown, hearing, screen.rows || 24, screen.columns || 80))
        },
        onAway: (failure) => {
          if (!drawn) this.note(`${failure.message} Watching on.`)
        },
      })
    } finally {
      leave()
    }
  }

  /** Each form is one that a program can read piece by piece. */
  private async line(event: ChangeEvent): Promise<void> {
    if (this.format === null || this.format === 'table') return this.print(lineOf(event))
    if (this.format === 'yaml') this.print('---\n')
    await this.tell({ one: event }, look, this.format)
  }
}

const look: Look<ChangeEvent> = { name: ({ name }) => name, columns: {} }

/** The shell's screen comes back however the command ends. */
function takeScreen(screen: Screen): () => void {
  const leave = () => screen.write(oldScreen)
  const release = onInterrupt((end) => {
    leave()
    end()
  })
  screen.write(newScreen)
  return () => {
    release()
    leave()
  }
}

function lineOf(event: ChangeEvent): string {
  if (event.type === 'deleted') return `${event.name}  gone\n`
  const { deployment: info } = event
  const last =
    info.last_action === null ? '' : `  ${shownAction(info.last_action)} by ${info.last_action.actor}`
  return `${event.name}  ${shownStatus(info)}${oneLine(last)}\n`
}

/** Newest change first, as many as the terminal has lines for. */
function pageOf(all: readonly FullInfo[], hearing: boolean, rows: number, columns: number): string {
  const sorted = all.toSorted((one, other) => Date.parse(other.updated_at) - Date.parse(one.updated_at))
  const room = Math.max(1, rows - 3)
  const hidden = sorted.length - room
  const lines = [
    `${sorted.length} ${sorted.length === 1 ? 'deployment' : 'deployments'} · ${hearing ? 'live' : 'asking every few seconds'} · Ctrl-C ends`,
    ...table(deploymentLook, sorted.slice(0, room)).trimEnd().split('\n'),
    ...(hidden > 0 ? [`and ${hidden} more`] : []),
  ]
  const cut = (line: string) => [...line].slice(0, columns).join('')
  return home + lines.map((line) => `${cut(line)}${clearLine}`).join('\n') + clearBelow
}
