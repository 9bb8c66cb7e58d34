/** How octo prints an entry of the audit log. Called by the commands of this folder. */
import { auditSentenceText, describeAuditEntry } from '../../../domain/audit/sentence.ts'
import type { ResponseOf } from '../../api/types.ts'
import { actorLabel } from '../../output/actor-label.ts'
import type { RecordView } from '../../output/formatter.ts'
import { formatTimestamp } from '../../output/table.ts'
import { toSingleLine } from '../../output/terminal-text.ts'

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

/** For entries that come one by one, without columns. */
export const auditLine = (entry: Entry): string =>
  `${formatTimestamp(entry.at)}  ${toSingleLine(`${actorLabel(entry)} ${sentenceOf(entry)}`)}\n`

function sentenceOf(entry: Entry): string {
  return auditSentenceText(describeAuditEntry(entry))
}
