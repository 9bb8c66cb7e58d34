/** Handler of /audit/stream: follows the audit log. */
import {
  type AuditPosition,
  type NewEntries,
  readNewEntries,
  readStreamStart,
} from '../../db/queries/audit/read-entries.ts'
import type { AuditStreamQuery } from '../../domain/audit/audit-schemas.ts'
import { ApiError } from '../../domain/errors.ts'
import { delay } from '../../lib/delay.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { createLineStream } from '../http/event-stream.ts'
import { createEntryHider, visibilityOf } from './audit-handlers.ts'

const pollMs = 1000
/** Between pages with few entries, which are compared at the speed of the database. */
const pageDelayMs = 50
const entriesPerRead = 200
/**
 * A transaction commits its entry at most so long after the time of the entry. Entries of this time are read again, also after a
 * reconnect.
 */
const maxCommitDelayMs = 30_000

export const streamAuditEntries: EndpointHandler<'streamAuditEntries'> = async (services, request) => {
  const { db, auth, access, supportsStreaming, shutdownSignal } = services
  const { query, identity, caller } = request
  const release = access.limits.holdAuditStream(caller)
  const lost = new AbortController()
  // Whoever gets other rights loses the stream: the client connects again.
  const stopFollowing = auth.connections.follow(identity, () => lost.abort(), { endsWithToken: true })
  let isOpen = true
  const end = () => {
    if (!isOpen) return
    isOpen = false
    release()
    stopFollowing()
  }
  const disconnected = AbortSignal.any([request.signal, shutdownSignal, lost.signal])
  disconnected.addEventListener('abort', end, { once: true })
  // An aborted signal calls nobody.
  if (disconnected.aborted) end()
  const start = await readStreamStart(db, query).catch((error) => {
    end()
    throw error
  })
  if (start.at === null) {
    end()
    throw unknownEntry(query)
  }
  const visibility = visibilityOf(identity.permissions)
  const hide = createEntryHider(services.secrets, identity)
  const position = createPosition(start.at, start.isAfter ? query.after : undefined)
  return createLineStream(disconnected, async (send, ended) => {
    try {
      let isFirst = true
      while (!ended.aborted) {
        const found = await readNewEntries(db, query, visibility, {
          ...position.next(),
          limit: entriesPerRead,
        })
        for (const entry of found.entries) await send(JSON.stringify(hide(entry)))
        position.advance(found)
        if (found.next !== null) {
          if (found.entries.length < entriesPerRead) await delay(pageDelayMs, ended)
          continue
        }
        // The log can be read: what the line before the entries does not say.
        if (isFirst) await send('')
        isFirst = false
        if (!supportsStreaming) return
        await delay(pollMs, ended)
      }
    } finally {
      end()
    }
  })
}

const unknownEntry = ({ after }: AuditStreamQuery) =>
  new ApiError(
    'bad_request',
    `after: the audit log has no entry ${after}: it was removed, or a backup was restored. Begin at a time with since.`,
  )

/**
 * Where to read on. The log is read in passes: each reads, page by page, up to now, and the next one begins before the entries that
 * were not committed when this one began.
 */
function createPosition(start: string, after: number | undefined) {
  let from: AuditPosition = { at: after === undefined ? start : earlier(start, maxCommitDelayMs), id: 0 }
  let nextPass: string | null = null
  /** Entries of the next pass. */
  const sent = new Map<number, string>(after === undefined ? [] : [[after, start]])
  return {
    next: () => ({ from, known: [...sent.keys()] }),
    advance({ entries, nowAt, next }: NewEntries) {
      nextPass ??= later(from.at, earlier(nowAt, maxCommitDelayMs))
      for (const { id, at } of entries) sent.set(id, at)
      for (const [id, at] of sent) if (at < nextPass) sent.delete(id)
      from = next ?? { at: nextPass, id: 0 }
      if (next === null) nextPass = null
    },
  }
}

/** Times as PostgreSQL writes them, which compare like text. */
const earlier = (time: string, ms: number) =>
  `${new Date(Date.parse(time) - ms).toISOString().slice(0, -1)}000Z`
const later = (one: string, other: string) => (one > other ? one : other)
