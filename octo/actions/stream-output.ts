/**
 * Follows the output of an action with client/output-stream.ts, and reports outages. Called by wait-and-follow.ts and
 * commands/actions/logs.ts.
 */
import { type OutputStreamOptions, streamOutput as stream } from '../../client/output-stream.ts'
import type { ActionState } from '../../domain/actions.ts'
import type { OutputChunk } from '../../domain/schemas.ts'
import type { ApiClient } from '../api/types.ts'
import type { CliError } from '../errors/cli-error.ts'
import { toCliError } from '../errors/http.ts'
import { createOutageReport } from '../errors/outage-report.ts'

export type StreamOptions = Pick<
  OutputStreamOptions,
  'after' | 'signal' | 'silenceTimeoutMs' | 'initialBackoffMs'
> & {
  /** Called once for each outage that lasts longer than `reportAfterMs`. */
  onConnectionLost?: (failure: CliError) => void
  /** Called with the reason when a limit of the history has removed the output. */
  onRemoved?: (reason: string) => void
  reportAfterMs?: number
}

/** After this many failed attempts in a row, the outage is an error. */
const maxAttempts = 30

/** Yields every chunk once. Returns the final state of the action; null when `signal` aborted. */
export async function* streamOutput(
  client: ApiClient,
  actionId: number,
  { onConnectionLost, onRemoved, reportAfterMs, ...options }: StreamOptions = {},
): AsyncGenerator<OutputChunk, ActionState | null> {
  const reportOutage = createOutageReport((failure) => onConnectionLost?.(failure), reportAfterMs)
  const onConnection: OutputStreamOptions['onConnection'] = (error) =>
    reportOutage(error === null ? null : toCliError(client.connection, error, false))
  try {
    const end = yield* stream(client.http, actionId, { ...options, maxAttempts, onConnection })
    if (end?.output_removal_reason) onRemoved?.(end.output_removal_reason)
    return end?.state ?? null
  } catch (error) {
    throw toCliError(client.connection, error, false)
  }
}
