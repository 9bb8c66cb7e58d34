/** Reports an outage once when it lasts. Called by everything that follows a stream: output, app logs, the audit log. */
import type { CliError } from './cli-error.ts'

/** A rolling restart of the servers is over sooner. */
const defaultReportAfterMs = 3000

/** The returned function takes each failure, and null when the connection works again. */
export function createOutageReport(
  report: (failure: CliError) => void,
  reportAfterMs = defaultReportAfterMs,
): (failure: CliError | null) => void {
  let outage: { sinceMs: number; isReported: boolean } | null = null
  return (failure) => {
    if (failure === null) {
      outage = null
      return
    }
    outage ??= { sinceMs: performance.now(), isReported: false }
    if (outage.isReported || performance.now() - outage.sinceMs < reportAfterMs) return
    outage.isReported = true
    report(failure)
  }
}
