/** What the doctor of a server has found out, before it is judged. Written by functions/doctor, read by judge.ts. */
import type { Role } from '../access/roles.ts'
import type { SeenProgram } from './program-report.ts'

/** `problem`: why it is not known, as the end of a sentence. It contains no address. */
export type Probed<Value> = { value: Value } | { problem: string }

export type PostgresState = {
  latencyMs: number
  /** E.g. 160004. */
  versionNumber: number
  version: string
  /** Its clock less that of this server. */
  clockOffsetMs: number
  isReadOnly: boolean
  /** A write has failed lately because the disk is full. */
  isFull: boolean
  /** For roles without special rights. */
  maxConnections: number
}

export type RedisState = {
  latencyMs: number
  version: string
  /** Its clock less that of this server. */
  clockOffsetMs: number
  /** Null: the user may not see it. */
  evictionPolicy: string | null
  /** Why it cannot be used; null when it can. */
  refusal: string | null
  isReplica: boolean
  missingRights: readonly string[]
  usedBytes: number | null
  /** Null: there is no limit, or the user may not see it. */
  maxBytes: number | null
}

export type ActionsState = {
  running: number
  queued: number
  waiting: number
  oldestQueuedSeconds: number
  lateChecks: number
}

export type PauseState = { what: string; since: string; by: string; reason: string }
export type HistoryState = { outputBytes: number; tableBytes: number; isLimited: boolean }
export type AuditState = { unsealed: number; oldestUnsealedSeconds: number }
export type WebhookState = { name: string; failed: number; waitingWithError: number }
export type FailingScript = { script: string; count: number }

export type DoctorFacts = {
  /** The name of this server. */
  self: string
  postgres: Probed<PostgresState>
  /** What the role may not use. */
  databaseRights: Probed<readonly string[]>
  redis: Probed<RedisState>
  programs: Probed<readonly SeenProgram[]>
  /** How many runners have a connection to Redis; null: unknown. */
  connectedRunners: number | null
  actions: Probed<ActionsState>
  /** What is paused for all deployments. */
  pauses: Probed<readonly PauseState[]>
  history: Probed<HistoryState>
  audit: Probed<AuditState>
  webhooks: Probed<readonly WebhookState[]>
  failingScripts: Probed<readonly FailingScript[]>
  /** Of this server. Null without a policy file. */
  policyProblems: number | null
  access: { anonymousRole: Role | 'none'; givesCredential: boolean }
}

export const knownValue = <Value>(probed: Probed<Value>): Value | null =>
  'value' in probed ? probed.value : null
