/** `octo status`: runs the check script of a deployment and prints its result. Loaded by run.ts. */
import type { Link } from '../../../domain/schemas.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { nameOption, parseName } from '../../cli/base-command.ts'
import { actionLabel, statusLabel } from '../../output/columns.ts'
import type { RecordView } from '../../output/formatter.ts'
import { reasonOf, summaryLines } from '../../output/summary.ts'

export class Status extends ApiCommand {
  static override paths = [['status']]
  static override usage = ApiCommand.Usage({
    description: 'run the check of a deployment now',
    details: `
      Prints the status, why the last action or check failed, the links, and the result of the check. Exit code 0 when the
      check script succeeds, 1 when it fails.
    `,
    examples: [
      ['Is it up?', '$0 status feature-1'],
      ['In a script', 'octo status feature-1 > /dev/null && echo up'],
    ],
  })

  name = nameOption()
  protected async run(): Promise<number> {
    const params = { name: parseName(this.name) }
    const { status: check } = await this.call('getStatus', { params })
    const info = await this.call('getFullInfo', { params })
    if (this.format === null) {
      const checkResult = check === 'Ok' ? 'Check now: passed' : 'Check now: failed'
      await this.print(`${[...summaryLines(info), checkResult].join('\n')}\n`)
      return check === 'Ok' ? 0 : 1
    }
    const record: StatusRecord = {
      name: info.deployment.name,
      status: statusLabel(info),
      reason: reasonOf(info),
      links: info.metadata,
      check,
      last_action: info.last_action === null ? null : actionLabel(info.last_action),
      last_check: info.last_check,
    }
    await this.printRecords({ record }, view, this.format)
    return check === 'Ok' ? 0 : 1
  }
}

type StatusRecord = {
  name: string
  status: string
  reason: string | null
  links: Link[]
  check: 'Ok' | 'Error'
  last_action: string | null
  last_check: unknown
}

const view: RecordView<StatusRecord> = {
  name: ({ name }) => name,
  columns: {
    NAME: ({ name }) => name,
    STATUS: ({ status }) => status,
    CHECK: ({ check }) => check,
    REASON: ({ reason }) => reason ?? '',
    LINK: ({ links }) => links[0]?.link ?? '',
    'LAST ACTION': ({ last_action }) => last_action ?? '',
  },
}
