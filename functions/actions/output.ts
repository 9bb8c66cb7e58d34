/** The output of an action: a page of chunks, everything at once (as Octopod 1.6), or a stream until it ends. */
import { getWholeOutput, getOutput as readOutput } from '../../db/queries/actions.ts'
import { type EndpointHandler, parseActionId } from '../http/endpoint-handler.ts'
import { createEventStream } from '../http/event-stream.ts'

export const getOutput: EndpointHandler<'getOutput'> = ({ db }, { param, query }) =>
  readOutput(db, parseActionId(param('action_id')), query.after, query.limit)

export const getLog: EndpointHandler<'getLog'> = async ({ db }, { param }) => {
  const { stdout, stderr } = await getWholeOutput(db, parseActionId(param('action_id')))
  return { stdout: { un_stdout: stdout }, stderr: { un_stderr: stderr } }
}

/** How long to trust in hints before looking again, in milliseconds. */
const pollMs = 1000

export const streamOutput: EndpointHandler<'streamOutput'> = async (
  services,
  { param, query, header, signal },
) => {
  const actionId = parseActionId(param('action_id'))
  const lastId = Number(header('last-event-id'))
  let after = Number.isSafeInteger(lastId) && lastId > 0 ? lastId : (query.after ?? 0)
  // Read before answering, so that an unknown action is a 404 and not an empty stream.
  let page = await readOutput(services.db, actionId, after, 200)
  // A server that stops ends its streams: their readers resume at another one, with the number of their last chunk.
  return createEventStream(AbortSignal.any([signal, services.shutdownSignal]), async (send, gone) => {
    for (;;) {
      for (const chunk of page.chunks)
        await send({ id: chunk.seq, event: 'chunk', data: JSON.stringify(chunk) })
      after = page.chunks.at(-1)?.seq ?? after
      if (page.done) return send({ id: after, event: 'end', data: JSON.stringify({ state: page.state }) })
      if (!services.supportsStreaming) return
      // Listening starts before reading, so that output written in between wakes us.
      const grown = page.chunks.length === 0 ? services.outputNotifier.wait(actionId, pollMs, gone) : null
      await grown
      if (gone.aborted) return
      page = await readOutput(services.db, actionId, after, 200)
    }
  })
}
