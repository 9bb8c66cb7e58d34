/** The columns of webhooks and of deliveries that were not received. Called by `octo webhooks`. */
import type { ResponseOf } from '../../api/types.ts'
import type { RecordView } from '../../output/formatter.ts'
import { formatTimestamp } from '../../output/table.ts'

type Answer = ResponseOf<'listWebhooks'>

export const webhookView: RecordView<Answer['webhooks'][number]> = {
  name: ({ name }) => name,
  columns: {
    NAME: ({ name }) => name,
    FORMAT: ({ format }) => format,
    HOST: ({ host }) => host ?? '(secret)',
    WAITING: ({ waiting }) => String(waiting),
    FAILED: ({ failed }) => String(failed),
    'LAST ERROR': ({ last_error }) => last_error ?? '',
  },
}

export const failedDeliveryView: RecordView<Answer['failed'][number]> = {
  name: ({ delivery_id }) => String(delivery_id),
  columns: {
    ID: ({ delivery_id }) => String(delivery_id),
    WEBHOOK: ({ webhook }) => webhook,
    DEPLOYMENT: ({ deployment }) => deployment,
    CHANGE: ({ old_status, new_status }) => `${old_status} → ${new_status}`,
    AT: ({ at }) => formatTimestamp(at),
    ATTEMPTS: ({ attempts }) => String(attempts),
    ERROR: ({ error }) => error ?? '',
  },
}
