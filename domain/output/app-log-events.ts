/**
 * The events of GET /deployments/:name/app_logs. The server sends them, the page and octo read them. Free of zod: the page
 * loads it.
 */

/** Why a stream has ended, and what a reader does then. */
export const appLogEnds = {
  /** The script has printed all that it had. */
  finished: { reconnect: false },
  /** The script or what it needs has failed; the message says why. */
  failed: { reconnect: false },
  /** A run lasts at most half an hour; the next one goes on. */
  time_limit: { reconnect: true },
  /** The config has changed or the deployment is gone: the next run receives the new config. */
  config_changed: { reconnect: true },
  /** The runner is shut down. */
  runner_stopped: { reconnect: true },
  /** The runner was killed or is frozen. */
  runner_lost: { reconnect: true },
  redis_unreachable: { reconnect: true },
} as const
export type AppLogEndReason = keyof typeof appLogEnds

/** By the name of the event. Their ids are opaque; the last one in Last-Event-ID goes on after it. */
export type AppLogEvents = {
  /** `starting`: the script does not print yet. `resumed`: the lines follow those that the reader has. */
  state: { state: 'starting' | 'running'; resumed: boolean }
  /** `at`: when the runner has read it, ISO 8601. */
  line: { at: string; text: string }
  /** `rate_limit`: the script printed too fast. `slow_reader`: the reader did not take the lines in time. */
  dropped: { lines: number; reason: 'rate_limit' | 'slow_reader' }
  /** `message`: one sentence, with the last lines of the script after a failure. */
  end: { reason: AppLogEndReason; message: string }
}

export const maxAppLogTail = 5000
export const defaultAppLogTail = 200
