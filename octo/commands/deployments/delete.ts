/** `octo delete`: deletes the record of a deployment without running a script. Loaded by run.ts. */
import { Option } from 'clipanion'
import { parseIdempotencyKey } from '../../cli/action-command.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { nameOption, parseName } from '../../cli/base-command.ts'
import type { RecordView } from '../../output/formatter.ts'

export class Delete extends ApiCommand {
  static override paths = [['delete']]
  static override usage = ApiCommand.Usage({
    description: 'delete the record of a deployment',
    details: `No control script runs, so resources of the deployment remain. Needs the role admin.`,
    examples: [['Delete the record of a deployment whose resources are already gone', '$0 delete feature-1']],
  })

  name = nameOption()
  key = Option.String('--idempotency-key', {
    description: 'a key that you choose: the same command with the same key takes effect once',
  })

  protected async run(): Promise<void> {
    const params = { name: parseName(this.name) }
    const key = parseIdempotencyKey(this.key)
    const client = await this.client()
    await client.request('deleteDeployment', { params }, { key })
    const record = { name: params.name, status: 'gone' }
    if (this.format !== null) await this.printRecords({ record }, view, this.format)
  }
}

type DeletedRecord = { name: string; status: string }

const view: RecordView<DeletedRecord> = {
  name: ({ name }) => name,
  columns: { NAME: ({ name }) => name, STATUS: ({ status }) => status },
}
