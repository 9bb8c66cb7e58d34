/** `octo audit verify`: checks that nobody has changed or removed entries of the audit log. Loaded by run.ts. */
import { Option } from 'clipanion'
import type { ResponseOf } from '../../api/types.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { CliError } from '../../errors/cli-error.ts'
import type { RecordView } from '../../output/formatter.ts'
import { createProgress } from '../../output/progress.ts'
import { formatTimestamp } from '../../output/table.ts'
import { type Terminal, toSingleLine } from '../../output/terminal-text.ts'

type Verification = Omit<ResponseOf<'verifyAuditLog'>, 'next_after'>

/** Seals are made within 5 s. */
const maxUnsealedSeconds = 60

export class AuditVerify extends ApiCommand {
  static override paths = [['audit', 'verify']]
  static override usage = ApiCommand.Usage({
    description: 'verify that no entry of the audit log was changed or removed',
    details: `
      Needs the right read_access_log. Checks the whole chain of seals, and says where it breaks. With --head also that this
      seal, which the log of a runner has named, is still in the chain: only that finds a removed end. Exit code 1 for a problem.
    `,
    examples: [
      ['The whole log', '$0 audit verify'],
      [
        'With a head that is kept elsewhere',
        '$0 audit verify --head 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      ],
    ],
  })

  head = Option.String('--head', { description: 'hash of a seal that must be in the chain' })
  quiet = Option.Boolean('-q,--quiet', false, { description: 'no progress on stderr' })

  protected async run(): Promise<void> {
    const record = await this.verify(this.head === undefined ? null : parseHead(this.head))
    const { problems } = record
    const failure = problems.length === 0 ? null : brokenError(record)
    if (record.unsealed.oldest_seconds > maxUnsealedSeconds)
      this.note(
        `${waiting(record.unsealed.entries)}, the oldest for ${Math.round(record.unsealed.oldest_seconds)} s: is a runner running?`,
      )
    await this.printResult(failure, async () => {
      if (this.format !== null) await this.printRecords({ record }, view, this.format)
      else if (failure === null) await this.print(describeVerification(record))
    })
  }

  /** Page by page, because one request has little time. */
  private async verify(head: string | null): Promise<Verification> {
    const progress = createProgress(
      this.context.stderr as unknown as Terminal,
      this.context.env,
      this.quiet || this.format !== null,
    )
    try {
      let sum: Verification | null = null
      for (let after: number | null = 0; after !== null; ) {
        const page: ResponseOf<'verifyAuditLog'> = await this.call('verifyAuditLog', {
          query: { after, ...(head === null ? {} : { head }) },
        })
        const { next_after, ...part } = page
        sum = sum === null ? part : addPage(sum, part)
        progress.status(`${count(sum.checked_seals, 'seal')} verified`)
        if (next_after !== null && next_after <= after)
          throw new CliError('broken', 'The server verifies the same seals again and again.')
        after = next_after
      }
      return sum as unknown as Verification
    } finally {
      progress.end()
    }
  }
}

const addPage = (sum: Verification, page: Verification): Verification => ({
  ...page,
  checked_seals: sum.checked_seals + page.checked_seals,
  checked_entries: sum.checked_entries + page.checked_entries,
  problems: [...sum.problems, ...page.problems],
})

function parseHead(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text
  throw new CliError('usage', '--head needs the hash of a seal: 64 hexadecimal digits.')
}

function brokenError({ problems, checked_seals }: Verification): CliError {
  const error = new CliError(
    'failed',
    `The audit log has ${count(problems.length, 'problem')} in ${count(checked_seals, 'seal')}.`,
    'Compare with a backup: docs/audit.md explains the chain.',
  )
  error.details = problems.map(({ kind, message, entry_ids }) => {
    const ids = entry_ids.slice(0, maxShownIds).join(', ')
    const more = entry_ids.length > maxShownIds ? ', …' : ''
    return toSingleLine(`${kind}: ${message}${ids === '' ? '' : ` Entries: ${ids}${more}`}`)
  })
  return error
}

const maxShownIds = 10

const describeVerification = ({
  checked_seals,
  checked_entries,
  head,
  given_head_seal,
  removed_until,
  unsealed,
}: Verification) =>
  `${[
    `The audit log is complete and unchanged: ${count(checked_entries, 'entry', 'entries')} in ${count(checked_seals, 'seal')}.`,
    ...(head === null ? [] : [`Head: seal ${head.seal}, ${head.hash}`]),
    ...(given_head_seal === null ? [] : [`The given head is seal ${given_head_seal}.`]),
    ...(unsealed.entries === 0 ? [] : [`${waiting(unsealed.entries)}.`]),
    ...(removed_until === null
      ? []
      : [`Entries before ${formatTimestamp(removed_until)} were removed after AUDIT_RETENTION.`]),
  ].join('\n')}\n`

const waiting = (entries: number) => `${count(entries, 'entry waits', 'entries wait')} for a seal`

const count = (number: number, one: string, more = `${one}s`) => `${number} ${number === 1 ? one : more}`

const view: RecordView<Verification> = {
  name: ({ problems }) => (problems.length === 0 ? 'valid' : 'broken'),
  columns: {
    VALID: ({ problems }) => (problems.length === 0 ? 'yes' : 'no'),
    SEALS: ({ checked_seals }) => String(checked_seals),
    ENTRIES: ({ checked_entries }) => String(checked_entries),
    PROBLEMS: ({ problems }) => problems.map(({ message }) => message).join(' · '),
    HEAD: ({ head }) => head?.hash ?? '',
  },
}
