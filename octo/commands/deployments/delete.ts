/** `octo delete`: forgets a deployment without running a script. Loaded by run.ts. */
import { Option } from 'clipanion'
import { parseIdempotencyKey } from '../../cli/action-command.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { nameOption, parseName } from '../../cli/base-command.ts'
import type { RecordView } from '../../output/formatter.ts'

export class Delete extends ApiCommand {
  static override paths = [['delete']]
  static override usage = ApiCommand.Usage({
    description: 'forget a deployment',
    details: `Removes the record only: no control script runs, so whatever it left behind stays. Needs the admin credential.`,
    examples: [['Forget a deployment whose resources are gone already', '$0 delete -n feature-1']],
  })

  name = nameOption()
  key = Option.String('--idempotency-key', {
    description: 'a text of your own: the same command with the same key acts once',
  })

  protected async run(): Promise<void> {
    const params = { name: parseName(this.name) }
    const key = parseIdempotencyKey(this.key)
    const client = await this.client()
    await client.request('deleteDeployment', { params }, { key })
    const one = { name: params.name, status: 'gone' }
    if (this.format !== null) await this.printRecords({ one }, view, this.format)
  }
}

type DeletedRecord = { name: string; status: string }

const view: RecordView<DeletedRecord> = {
  name: ({ name }) => name,
  columns: { NAME: ({ name }) => name, STATUS: ({ status }) => status },
}
