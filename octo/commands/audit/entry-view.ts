/** How octo prints an entry of the audit log. Called by the commands of this folder. */
import { auditSentenceText, describeAuditEntry } from '../../../domain/audit/sentence.ts'
import type { ResponseOf } from '../../api/types.ts'
import { actorLabel } from '../../output/actor-label.ts'
import type { RecordView } from '../../output/formatter.ts'
import { formatTimestamp } from '../../output/table.ts'

type Entry = ResponseOf<'listAuditEntries'>['entries'][number]

export const auditView: RecordView<Entry> = {
  name: ({ id }) => String(id),
  columns: {
    ID: ({ id }) => String(id),
    TIME: ({ at }) => formatTimestamp(at),
    WHO: actorLabel,
    WHAT: sentenceOf,
    WHY: ({ reason }) => reason ?? '',
    SOURCE: ({ source }) => source ?? '',
    ADDRESS: ({ address }) => address ?? '',
  },
}

function sentenceOf(entry: Entry): string {
  return auditSentenceText(describeAuditEntry(entry))
}
