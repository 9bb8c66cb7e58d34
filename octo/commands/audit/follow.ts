/** Follows the audit log: every new entry once, also across lost connections. Called by `octo audit --follow`. */
import type { RequestOf as RequestTo } from '../../../client/call-endpoint.ts'
import { parseJson } from '../../../client/parse-json.ts'
import { readLines } from '../../../client/read-lines.ts'
import { reconnect } from '../../../client/reconnect.ts'
import { lineType } from '../../../domain/endpoints.ts'
import type { ApiClient, ResponseOf } from '../../api/types.ts'
import { CliError } from '../../errors/cli-error.ts'
import { toCliError } from '../../errors/http.ts'
import { createOutageReport } from '../../errors/outage-report.ts'

type RequestQuery = NonNullable<RequestTo<'streamAuditEntries'>['query']>
type Entry = ResponseOf<'listAuditEntries'>['entries'][number]

/** After this many failed attempts in a row, the outage is an error. */
const defaultMaxAttempts = 30
/** After a reconnect the server repeats entries of 30 seconds. */
const maxRemembered = 5000

export type FollowOptions = {
  filters: Readonly<Record<string, string | undefined>>
  /** Entries that were read already, the oldest first; the new ones come after the last of them. */
  known: readonly Entry[]
  /** Called once for each outage that is not over soon, and when the server does not know the last entry any more. */
  onConnectionLost: (failure: CliError) => void
  maxAttempts?: number
}

/** Ends only by an error that a retry does not cure. */
export async function* followAudit(
  client: ApiClient,
  { filters, known, onConnectionLost, maxAttempts = defaultMaxAttempts }: FollowOptions,
): AsyncGenerator<Entry, void> {
  const seen = new Set(known.map(({ id }) => id))
  const { since: _, ...otherFilters } = filters
  let after = known.at(-1)?.id ?? null
  /** Where to begin without an entry; on the first connection, now. */
  let startsAt = known.at(-1)?.at ?? new Date().toISOString()
  let isFirst = true
  const open = async function* (): AsyncGenerator<Entry | null, null> {
    // Nothing that happens between two connections is lost.
    const from = after !== null ? { after: String(after) } : isFirst ? {} : { since: startsAt }
    isFirst = false
    try {
      for await (const entry of readEntries(client, { ...otherFilters, ...from })) {
        if (entry === null || seen.has(entry.id)) {
          yield null
          continue
        }
        seen.add(entry.id)
        if (seen.size > maxRemembered) seen.delete(seen.values().next().value ?? 0)
        after = entry.id
        startsAt = entry.at
        yield entry
      }
      return null
    } catch (error) {
      if (!(error instanceof CliError && error.status === 400 && after !== null)) throw error
      const message = `The server has no entry ${after}: it was removed, or a backup was restored. Entries since ${startsAt} come again.`
      onConnectionLost(new CliError('refused', message))
      // The same ids may be other entries now.
      seen.clear()
      after = null
      return null
    }
  }
  const reportOutage = createOutageReport(onConnectionLost)
  const entries = reconnect(open, {
    mayRecover: (error) => error instanceof CliError && (error.transient || error.kind === 'unreachable'),
    onConnection: (error) => reportOutage(error as CliError | null),
    maxAttempts,
  })
  for await (const entry of entries) if (entry !== null) yield entry
}

/** The entries of one connection; null for each sign that the server still reads the log. */
async function* readEntries(
  client: ApiClient,
  query: Readonly<Record<string, string | undefined>>,
): AsyncGenerator<Entry | null, void> {
  let isFirst = true
  let isRead = false
  for await (const line of readEntryLines(client, query)) {
    // The server sends an empty line before it reads the log.
    isRead ||= !isFirst || line !== ''
    isFirst = false
    if (!isRead) continue
    const entry = line === '' ? null : parseJson<Entry>(line)
    // The line was damaged on the way; the next connection gets it again.
    if (entry === null && line !== '') return
    yield entry
  }
  if (!isRead) throw new CliError('unreachable', 'The server ended the stream before it had read the log.')
}

/** The lines of one connection; an incomplete last one is dropped. */
async function* readEntryLines(
  client: ApiClient,
  query: Readonly<Record<string, string | undefined>>,
): AsyncGenerator<string, void> {
  const present = query as RequestQuery
  try {
    const response = await client.http.fetch('streamAuditEntries', {
      query: present,
      headers: { accept: lineType },
    })
    yield* readLines(response.body)
  } catch (error) {
    throw toCliError(client.connection, error, false)
  }
}
