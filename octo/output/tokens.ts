/** The columns of access tokens. Called by the commands of octo/commands/token. */
import type { ResponseOf } from '../api/types.ts'
import type { RecordView } from './formatter.ts'
import { formatTimestamp } from './table.ts'

export const tokenView: RecordView<ResponseOf<'listTokens'>[number]> = {
  name: ({ token_id }) => String(token_id),
  columns: {
    ID: ({ token_id }) => String(token_id),
    WHO: ({ name }) => name,
    LABEL: ({ label }) => label,
    ROLE: ({ role }) => role,
    NAMES: ({ names }) => names.join(' '),
    STATE: ({ state }) => state,
    EXPIRES: ({ expires_at }) => formatTimestamp(expires_at),
    'LAST USED': ({ last_used_at }) => (last_used_at === null ? 'never' : formatTimestamp(last_used_at)),
  },
}
