/** Handler of /audit/stream: follows the audit log. */
import { type NewEntries, readNewEntries, readStreamStart } from '../../db/queries/audit/read-entries.ts'
import { ApiError } from '../../domain/errors.ts'
import { delay } from '../../lib/delay.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { createLineStream } from '../http/event-stream.ts'
import { visibilityOf } from './audit-handlers.ts'

const pollMs = 1000
const entriesPerRead = 200
/** Each reads the database every second. */
const maxStreams = 100
/** A transaction commits its entry at most so long after the time of the entry. */
const maxCommitDelayMs = 30_000
/** What comes again after a reconnect: an entry may have been committed after a later one. */
const repeatedMs = 10_000

let streams = 0

export const streamAuditEntries: EndpointHandler<'streamAuditEntries'> = async (services, request) => {
  const { db, auth, supportsStreaming, shutdownSignal } = services
  const { query, identity } = request
  if (streams >= maxStreams)
    throw new ApiError('rate_limited', 'Too many clients follow the audit log at this server.', {
      retryAfterSeconds: 30,
    })
  const start = await readStreamStart(db, query)
  const visibility = visibilityOf(identity.permissions)
  const lost = new AbortController()
  // Whoever gets other rights loses the stream: the client connects again.
  const stopFollowing = auth.connections.follow(identity, () => lost.abort(), { endsWithToken: true })
  streams += 1
  let isOpen = true
  const end = () => {
    if (!isOpen) return
    isOpen = false
    streams -= 1
    stopFollowing()
  }
  const position = createPosition(start, query.after)
  const disconnected = AbortSignal.any([request.signal, shutdownSignal, lost.signal])
  disconnected.addEventListener('abort', end, { once: true })
  return createLineStream(disconnected, async (send, ended) => {
    try {
      while (!ended.aborted) {
        const found = await readNewEntries(db, query, visibility, {
          ...position.next(),
          limit: entriesPerRead,
        })
        for (const entry of found.entries) await send(JSON.stringify(entry))
        position.advance(found)
        if (found.entries.length === entriesPerRead) continue
        if (!supportsStreaming) return
        await delay(pollMs, ended)
      }
    } finally {
      end()
    }
  })
}

/** Where to read on: from a time, without the entries that were sent already. */
function createPosition(start: string, after: number | undefined) {
  let from = after === undefined ? start : earlier(start, repeatedMs)
  const sent = new Map<number, string>(after === undefined ? [] : [[after, start]])
  return {
    next: () => ({ from, known: [...sent.keys()] }),
    advance({ entries, nowAt }: NewEntries) {
      for (const { id, at } of entries) sent.set(id, at)
      // All up to now are sent, except those that are not committed yet.
      const last = entries.length === entriesPerRead ? (entries.at(-1)?.at ?? from) : nowAt
      const next = earlier(last, maxCommitDelayMs)
      if (next > from) from = next
      for (const [id, at] of sent) if (at < from) sent.delete(id)
    },
  }
}

/** Times as PostgreSQL writes them, which compare like text. */
const earlier = (time: string, ms: number) =>
  `${new Date(Date.parse(time) - ms).toISOString().slice(0, -1)}000Z`
