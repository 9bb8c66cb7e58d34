/**
 * Handlers for the output of an action: a page of chunks, the whole output as in Octopod 1.6, or a stream until its
 * end.
 */
import type { Database } from '../../db/pool.ts'
import { getOutput as readOutput, readOutputEnd, readStream } from '../../db/queries/output.ts'
import { delay } from '../../lib/delay.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { createEventStream } from '../http/event-stream.ts'
import { jsonText, streamJson } from '../http/json-stream.ts'
import { parseActionId } from '../http/parse-request.ts'
import { requireActionRight } from './require-action-right.ts'

export const getOutput: EndpointHandler<'getOutput'> = async (services, request) => {
  const { param, query, identity } = request
  const actionId = parseActionId(param('action_id'))
  await requireActionRight(services, identity, 'read_output', actionId)
  const page = await readOutput(services.db, actionId, query.after, query.limit)
  await services.audit.recordOutputRead(request.actor, actionId)
  return page
}

export const getLog: EndpointHandler<'getLog'> = async (services, request) => {
  const { param, identity, encoding } = request
  const { db, audit } = services
  const actionId = parseActionId(param('action_id'))
  await requireActionRight(services, identity, 'read_output', actionId)
  const { lastSeq, removedAt, removalReason } = await readOutputEnd(db, actionId)
  await audit.recordOutputRead(request.actor, actionId)
  if (removedAt === null) return streamJson(services, encoding, logJson(db, actionId, lastSeq))
  // octo 1.6 shows the reason where it shows the notes of Octopod.
  return {
    stdout: { un_stdout: '' },
    stderr: { un_stderr: `octopod: ${removalReason}\n` },
    output_removed_at: removedAt,
    output_removal_reason: removalReason,
  }
}

async function* logJson(db: Database, actionId: number, lastSeq: number): AsyncGenerator<string, void> {
  yield '{"stdout":{"un_stdout":"'
  yield* jsonText(readStream(db, actionId, 'stdout', lastSeq))
  yield '"},"stderr":{"un_stderr":"'
  yield* jsonText(readStream(db, actionId, 'stderr', lastSeq))
  yield '"}}'
}

/** How often a stream reads again when no event says that there is new output. */
const pollMs = 1000
const chunksPerRead = 200

export const streamOutput: EndpointHandler<'streamOutput'> = async (services, request) => {
  const { db, audit, outputNotifier, supportsStreaming, shutdownSignal } = services
  const actionId = parseActionId(request.param('action_id'))
  await requireActionRight(services, request.identity, 'read_output', actionId)
  const lastId = Number(request.header('last-event-id'))
  let after = Number.isSafeInteger(lastId) && lastId > 0 ? lastId : (request.query.after ?? 0)
  // Read before the answer starts, so that an unknown action is a 404 and not an empty stream.
  let page = await readOutput(db, actionId, after, chunksPerRead)
  await audit.recordOutputRead(request.actor, actionId)
  // A stopping server ends its streams. The client resumes at another server, with the number of its last chunk.
  const lost = new AbortController()
  // Whoever loses a right loses the stream: the client connects again and is told why.
  const stopFollowing = services.auth.connections.follow(request.identity, () => lost.abort())
  const disconnected = AbortSignal.any([request.signal, shutdownSignal, lost.signal])
  disconnected.addEventListener('abort', stopFollowing, { once: true })
  return createEventStream(disconnected, async (send, ended) => {
    ended.addEventListener('abort', stopFollowing, { once: true })
    for (;;) {
      for (const chunk of page.chunks)
        await send({ id: chunk.seq, event: 'chunk', data: JSON.stringify(chunk) })
      after = page.chunks.at(-1)?.seq ?? after
      if (page.done) {
        const { chunks: _, done: __, ...end } = page
        await send({ id: after, event: 'end', data: JSON.stringify(end) })
        return supportsStreaming ? delay((request.query.hold ?? 0) * 1000, ended) : undefined
      }
      if (!supportsStreaming) return
      if (page.chunks.length === 0) await outputNotifier.wait(actionId, pollMs, ended)
      if (ended.aborted) return
      page = await readOutput(db, actionId, after, chunksPerRead)
    }
  })
}
