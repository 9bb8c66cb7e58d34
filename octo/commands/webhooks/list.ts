/** `octo webhooks`: lists the webhooks of the policy, or what they did not receive. Loaded by run.ts. */
import { Option } from 'clipanion'
import { ApiCommand } from '../../cli/api-command.ts'
import { failedDeliveryView, webhookView } from './webhook-views.ts'

export class WebhookList extends ApiCommand {
  static override paths = [['webhooks']]
  static override usage = ApiCommand.Usage({
    description: 'list the webhooks of the policy, and what they did not receive; for admins',
    details: `
      A delivery is tried ten times within about two days. With --failed the newest 100 whose attempts have all failed;
      octo webhooks resend sends one again. Times are UTC.
    `,
    examples: [
      ['Does anything wait?', '$0 webhooks'],
      ['What was not received?', '$0 webhooks --failed'],
      ['Send one again', '$0 webhooks resend 12'],
    ],
  })

  failed = Option.Boolean('--failed', false, { description: 'deliveries whose attempts have all failed' })

  protected async run(): Promise<void> {
    const { webhooks, failed } = await this.call('listWebhooks', {})
    if (this.failed) await this.printRecords(failed, failedDeliveryView, 'table')
    else await this.printRecords(webhooks, webhookView, 'table')
  }
}
