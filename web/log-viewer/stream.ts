/** Follows the output of an action with client/output-stream.ts, for log-viewer.ts. */
import type { ApiClient } from '../../client/call-endpoint.ts'
import { type ApiError, toApiError } from '../../client/errors.ts'
import { streamOutput } from '../../client/output-stream.ts'
import type { OutputChunk } from '../../domain/schemas.ts'

export type OutputListener = {
  chunk(chunk: OutputChunk): void
  /** The connection is lost and being retried; null: connected again. */
  connectionError(error: ApiError | null): void
  /** The server rejected the request; there is no retry. */
  rejected(error: ApiError): void
  /** `removalReason`: why the output was removed; null when it was not. */
  end(removalReason: string | null): void
}

/** Returns when the output is complete, when the server rejects the request, or when `signal` is aborted. */
export async function followOutput(
  client: ApiClient,
  actionId: number,
  signal: AbortSignal,
  listener: OutputListener,
): Promise<void> {
  const chunks = streamOutput(client, actionId, { signal, onConnection: listener.connectionError })
  try {
    for (;;) {
      const { value, done } = await chunks.next()
      if (!done) listener.chunk(value)
      else return value === null ? undefined : listener.end(value.output_removal_reason ?? null)
    }
  } catch (error) {
    listener.rejected(toApiError(error))
  }
}
