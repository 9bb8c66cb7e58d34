/** `octo audit`: prints the audit log. Loaded by run.ts. */
import { Option } from 'clipanion'
import { auditOperations, auditOutcomes } from '../../../domain/audit/operations.ts'
import { parseSince } from '../../../domain/audit/since.ts'
import type { RequestOf, ResponseOf } from '../../api/types.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { parseId } from '../../cli/base-command.ts'
import { suggestion } from '../../cli/suggestion.ts'
import { CliError } from '../../errors/cli-error.ts'
import { auditLine, auditView } from './entry-view.ts'

type Filters = Omit<NonNullable<RequestOf<'listAuditEntries'>['query']>, 'until' | 'before' | 'limit'>
type Entry = ResponseOf<'listAuditEntries'>['entries'][number]

/** The most that a server sends at once. */
const maxPage = 500

export class Audit extends ApiCommand {
  static override paths = [['audit']]
  static override usage = ApiCommand.Usage({
    description: 'print who did what: the audit log, the newest first',
    details: `
      Entries about deployments that you may read, also when they are gone, and your own sign-ins and tokens; admins of all
      names see everything. Times are UTC. With --follow the last 10 entries, the oldest first, and then each new one, until Ctrl-C.
    `,
    examples: [
      ['The last 100 entries', '$0 audit'],
      ['Who changed shop this week?', '$0 audit --deployment shop --since 7d'],
      ['What was refused since March?', '$0 audit --outcome refused --since 2026-03-01'],
      ['What happens now?', '$0 audit --follow'],
      ['For a program', '$0 audit --actor ann@example.com --limit 1000 -o jsonl'],
    ],
  })

  actor = Option.String('--actor', { description: 'who did it: a name, or the subject of a person' })
  deployment = Option.String('--deployment', {
    description: 'name of a deployment, also of one that is gone',
  })
  operation = Option.String('--operation', { description: `what was done, such as update or sign_in` })
  outcome = Option.String('--outcome', { description: auditOutcomes.join(' or ') })
  since = Option.String('--since', {
    description: 'from when on: 90s, 24h, 7d, or a time such as 2026-03-01',
  })
  limit = Option.String('--limit', { description: 'how many entries at most (100; 10 with --follow)' })
  follow = Option.Boolean('-f,--follow', false, { description: 'print new entries as they come' })

  protected async run(): Promise<void> {
    const limit = this.limit === undefined ? (this.follow ? 10 : 100) : parseId('--limit', this.limit)
    const filters = this.filters()
    const entries = await this.readEntries(filters, limit)
    if (!this.follow) return this.printRecords(entries, auditView, 'table')
    const known = entries.toReversed()
    for (const entry of known) await this.printLine(entry)
    const { followAudit } = await import('./follow.ts')
    const onConnectionLost = ({ message }: CliError) => this.note(`${message} Reconnecting.`)
    for await (const entry of followAudit(await this.client(), { filters, known, onConnectionLost }))
      await this.printLine(entry)
  }

  /** Each entry is a document of its own, so that a program can read it at once. */
  private async printLine(entry: Entry): Promise<void> {
    if (this.format === null || this.format === 'table') return this.print(auditLine(entry))
    if (this.format === 'yaml') await this.print('---\n')
    await this.printRecords({ record: entry }, auditView, this.format)
  }

  private filters(): Filters {
    const { actor, deployment, operation, outcome, since } = this
    return {
      ...(actor === undefined ? {} : { actor }),
      ...(deployment === undefined ? {} : { deployment }),
      ...(operation === undefined
        ? {}
        : { operation: parseOneOf('--operation', operation, auditOperations) }),
      ...(outcome === undefined ? {} : { outcome: parseOneOf('--outcome', outcome, auditOutcomes) }),
      ...(since === undefined ? {} : { since: parseSinceOption(since) }),
    }
  }

  /** A page may be empty although older entries match. */
  private async readEntries(filters: Filters, limit: number): Promise<Entry[]> {
    const found: Entry[] = []
    let before: number | null = null
    do {
      const page: ResponseOf<'listAuditEntries'> = await this.call('listAuditEntries', {
        query: {
          ...filters,
          limit: Math.min(limit - found.length, maxPage),
          ...(before === null ? {} : { before }),
        },
      })
      found.push(...page.entries)
      before = page.next_before
    } while (before !== null && found.length < limit)
    return found
  }
}

function parseOneOf<Value extends string>(option: string, text: string, values: readonly Value[]): Value {
  const value = values.find((known) => known === text)
  if (value !== undefined) return value
  throw new CliError(
    'usage',
    `${option} needs one of ${values.join(', ')}, not "${text.slice(0, 40)}".${suggestion(text, values)}`,
  )
}

function parseSinceOption(text: string): string {
  const since = parseSince(text, Date.now())
  if (since !== null) return since
  throw new CliError(
    'usage',
    `--since needs a duration such as 24h or 7d, or a time such as 2026-03-01 or 2026-03-01T08:00Z, not "${text.slice(0, 40)}".`,
  )
}
