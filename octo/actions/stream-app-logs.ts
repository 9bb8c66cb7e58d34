/**
 * Follows the logs of a running app with client/app-log-stream.ts, and reports reconnects. Called by commands/deployments/app-logs.ts.
 */
import { type AppLogEvent, isRunnerRestart, streamAppLogs as stream } from '../../client/app-log-stream.ts'
import type { ApiError } from '../../client/errors.ts'
import type { AppLogEvents } from '../../domain/output/app-log-events.ts'
import type { ApiClient } from '../api/types.ts'
import type { CliError } from '../errors/cli-error.ts'
import { toCliError } from '../errors/http.ts'
import { createOutageReport } from '../errors/outage-report.ts'

export type AppLogOptions = {
  tail: number
  follow: boolean
  /** Called for every reconnect that may be seen: after an end that the server tells, and after a longer outage. */
  onReconnect: (reason: string) => void
}

/** After this many failed attempts in a row, the outage is an error. */
const maxAttempts = 30

/** Yields lines, gaps and states. Returns the last end; it throws when the logs cannot be read. */
export async function* streamAppLogs(
  { connection, http }: ApiClient,
  name: string,
  { onReconnect, ...options }: AppLogOptions,
): AsyncGenerator<AppLogEvent, AppLogEvents['end']> {
  const reportOutage = createOutageReport(({ message }) => onReconnect(message))
  const toFailure = (error: unknown): CliError => toCliError(connection, error, false)
  try {
    const end = yield* stream(http, name, {
      ...options,
      maxAttempts,
      onConnection: (error) => reportOutage(error === null ? null : toFailure(error)),
      onReconnect: ({ message }) => onReconnect(message),
      mayRecover: (error: ApiError, hasBegun) => {
        const { transient, kind } = toFailure(error)
        return transient || kind === 'unreachable' || (hasBegun && isRunnerRestart(error))
      },
    })
    if (end === null) throw new TypeError('expected an end without a signal')
    return end
  } catch (error) {
    throw toFailure(error)
  }
}
