/** `octo webhooks resend`: sends failed deliveries again. Loaded by run.ts. */
import { Option } from 'clipanion'
import { ApiCommand } from '../../cli/api-command.ts'
import { parseId } from '../../cli/base-command.ts'
import type { RecordView } from '../../output/formatter.ts'

export class WebhookResend extends ApiCommand {
  static override paths = [['webhooks', 'resend']]
  static override usage = ApiCommand.Usage({
    description: 'send failed deliveries of webhooks again, as octo webhooks --failed lists them',
    details: `Each is tried as often as a new one, and is entered into the audit log.`,
    examples: [['Send two again', '$0 webhooks resend 12 15']],
  })

  deliveries = Option.Rest({ name: 'ID', required: 1 })

  protected async run(): Promise<void> {
    const ids = this.deliveries.map((id) => parseId('ID', id))
    for (const delivery_id of ids) {
      await this.call('resendDelivery', { params: { delivery_id } })
      const record = { delivery_id, state: 'waiting' }
      if (this.format !== null) await this.printRecords({ record }, view, this.format)
    }
  }
}

type ResentDelivery = { delivery_id: number; state: string }

const view: RecordView<ResentDelivery> = {
  name: ({ delivery_id }) => String(delivery_id),
  columns: { ID: ({ delivery_id }) => String(delivery_id), STATE: ({ state }) => state },
}
