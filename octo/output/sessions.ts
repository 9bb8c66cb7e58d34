/** The columns of sessions. Called by `octo sessions`. */
import { proofs } from '../../domain/access/proof.ts'
import type { ResponseOf } from '../api/types.ts'
import type { RecordView } from './formatter.ts'
import { formatTimestamp } from './table.ts'

export const sessionView: RecordView<ResponseOf<'listSessions'>[number]> = {
  name: ({ session_id }) => String(session_id),
  columns: {
    ID: ({ session_id }) => String(session_id),
    WHO: ({ name }) => name,
    PROOF: ({ proof }) => proofs[proof].label,
    'LAST SEEN': ({ last_seen_at }) => formatTimestamp(last_seen_at),
    EXPIRES: ({ expires_at }) => formatTimestamp(expires_at),
    ADDRESS: ({ address }) => address,
    CLIENT: ({ user_agent }) => user_agent,
  },
}
