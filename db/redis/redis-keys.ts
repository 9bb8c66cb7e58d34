/** All queue, channel and key names in Redis. BullMQ builds its own keys below `prefix`. */
import { createHash } from 'node:crypto'

export const queueNames = {
  actions: 'actions',
  scriptQueries: 'script-queries',
  /** Queries of config_check, which no other query may delay. */
  configChecks: 'config-checks',
} as const

export const channelNames = (prefix: string) => ({
  /** Changed deployments, to every server. */
  changes: `${prefix}:changes`,
  /** The last chunk number of an action's output, to servers that stream it. */
  output: `${prefix}:output`,
  /** Actions to cancel, to every runner. */
  cancel: `${prefix}:cancel`,
  /** Deployments whose check must end, to every runner. */
  checkEnds: `${prefix}:check-ends`,
  /** Running script queries whose client has gone, to every runner. */
  abandonedQueries: `${prefix}:abandoned-queries`,
  /** Requests to run app_logs, to every runner. */
  appLogRequests: `${prefix}:app-log-requests`,
  /** Sessions that have ended or changed, to every server. */
  sessions: `${prefix}:sessions`,
  /** Answers to the script queries of one server. */
  replies: (server: string) => `${prefix}:replies:${server}`,
})

export const redisKeys = (prefix: string) => ({
  /** The cached answer of a config script for these arguments. */
  scriptCache: (script: string, args: readonly string[]) =>
    `${prefix}:config:${script}:${createHash('sha256').update(JSON.stringify(args)).digest('base64url')}`,
  /** The keys of the cached answers by their last use, and their sizes with the sum as `total`. */
  scriptCacheUses: `${prefix}:config:uses`,
  scriptCacheSizes: `${prefix}:config:sizes`,
  scriptCachePattern: `${prefix}:config:*`,
  /** A hash: the last report of each server and runner, by its name. */
  programs: `${prefix}:programs`,
  /** Exists while a runner has the app_logs script. */
  appLogsAvailable: `${prefix}:app-logs:available`,
  /** Which runner runs app_logs for this key. */
  appLogClaim: (key: string) => `${prefix}:app-logs:claim:${key}`,
  /** Exists while somebody reads the run of this key. */
  appLogReaders: (key: string) => `${prefix}:app-logs:readers:${key}`,
  /** What a run has printed lately. */
  appLogEntries: (runId: string) => `${prefix}:app-logs:entries:${runId}`,
  /** What the runners have answered to a request: a refusal, or the claim of the run. */
  appLogAnswers: (requestId: string) => `${prefix}:app-logs:answers:${requestId}`,
})
