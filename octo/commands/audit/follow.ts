/** Follows the audit log: every new entry once, also across lost connections. Called by `octo audit --follow`. */
import type { RequestOf as RequestTo } from '../../../client/call-endpoint.ts'
import { parseJson } from '../../../client/parse-json.ts'
import { readLines } from '../../../client/read-lines.ts'
import { lineType } from '../../../domain/endpoints.ts'
import { backoffMs } from '../../../lib/backoff.ts'
import { delay } from '../../../lib/delay.ts'
import type { ApiClient, ResponseOf } from '../../api/types.ts'
import { CliError } from '../../errors/cli-error.ts'
import { toCliError } from '../../errors/http.ts'

type RequestQuery = NonNullable<RequestTo<'streamAuditEntries'>['query']>
type Entry = ResponseOf<'listAuditEntries'>['entries'][number]

/** After this many failed attempts in a row, the outage is an error. */
const defaultMaxAttempts = 30
const initialBackoffMs = 300
/** A rolling restart of the servers is over sooner. */
const reportAfterMs = 3000
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
  let from: Record<string, string> = positionAfter(known.at(-1)) ?? {}
  /** Where to begin without an entry. */
  let startsAt = known.at(-1)?.at ?? new Date().toISOString()
  let attempt = 0
  let outage: { sinceMs: number; isReported: boolean } | null = null
  for (;;) {
    try {
      let isFirst = true
      let isRead = false
      for await (const line of readEntryLines(client, { ...otherFilters, ...from })) {
        // The server sends an empty line before it reads the log.
        isRead ||= !isFirst || line !== ''
        isFirst = false
        if (!isRead) continue
        attempt = 0
        outage = null
        // A heartbeat.
        if (line === '') continue
        const entry = parseJson<Entry>(line)
        // The line was damaged on the way; the next connection gets it again.
        if (entry === null) break
        if (seen.has(entry.id)) continue
        seen.add(entry.id)
        if (seen.size > maxRemembered) seen.delete(seen.values().next().value ?? 0)
        from = positionAfter(entry) ?? from
        startsAt = entry.at
        yield entry
      }
      if (!isRead)
        throw new CliError('unreachable', 'The server ended the stream before it had read the log.')
    } catch (error) {
      if (error instanceof CliError && error.status === 400 && from.after !== undefined) {
        const message = `The server has no entry ${from.after}: it was removed, or a backup was restored. Entries since ${startsAt} come again.`
        onConnectionLost(new CliError('refused', message))
        // The same ids may be other entries now.
        seen.clear()
        from = { since: startsAt }
        continue
      }
      const mayRecover = error instanceof CliError && (error.transient || error.kind === 'unreachable')
      if (!mayRecover || attempt >= maxAttempts) throw error
      outage ??= { sinceMs: performance.now(), isReported: false }
      if (!outage.isReported && performance.now() - outage.sinceMs >= reportAfterMs) {
        outage.isReported = true
        onConnectionLost(error)
      }
    }
    // Nothing that happens between two connections is lost.
    if (from.after === undefined) from = { since: startsAt }
    await delay(backoffMs(attempt, initialBackoffMs, 5000))
    attempt += 1
  }
}

const positionAfter = (entry: Entry | undefined) => (entry === undefined ? null : { after: String(entry.id) })

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
