/**
 * The recorded history of one fault test, as plain data from the control scripts, the clients and the
 * database. The checks of this folder read nothing else. All times are milliseconds since the machine started
 * (/proc/uptime, in steps of 10).
 */

/** The start of an action's script. The script records it before it does anything else. */
export type ScriptRun = {
  atMs: number
  action: number
  attempt: number
  fencingToken: number
  pid: number
  deployment: string
  /** False when a process of an earlier script still held the lock of the deployment. */
  gotLock: boolean
}

/** The end of a script. The script records it last; a killed script records none. */
export type ScriptEnd = { atMs: number; action: number; fencingToken: number }

/** The application_name of the harness in the database. Its deletes are no violations. */
export const harnessName = 'harness'

/** A check runs at most this long after its due time, even on a busy machine. */
export const checkTimeoutMs = 10_000

export const maxAttempts = 3

/** The last time a process of a script was seen alive. */
export type ProcessSighting = { atMs: number; action: number; fencingToken: number; pid: number }

/** A run of a `check` script, from its start to the last time its process was seen alive. */
export type CheckRun = { atMs: number; lastAliveMs: number; deployment: string; pid: number }

export type Row = {
  kind: string
  state: string
  fencingToken: number
  attempt: number
  leaseEndMs: number | null
  /** The harness sends the idempotency key as the reason of each request. */
  reason: string | null
}

/** A change of a row of `actions`, recorded by the database at commit; `program` made it. */
export type RowChange = {
  type: 'row'
  atMs: number
  program: string
  action: number
  deployment: number
  before: Row | null
  after: Row | null
}
/** A chunk of output that the database accepted. */
export type OutputWrite = {
  type: 'output'
  atMs: number
  program: string
  action: number
  fencingToken: number
}
export type Write = RowChange | OutputWrite

/** One request of a client, repeated with the same key until the response was final or the client gave up. */
export type RecordedRequest = {
  key: string
  deployment: string
  kind: string
  sentMs: number
  isGivenUp?: boolean
  responses: RecordedResponse[]
}
export type RecordedResponse =
  | { atMs: number; outcome: 'accepted'; action: number }
  | { atMs: number; outcome: 'rejected'; code: string }
  | { atMs: number; outcome: 'unknown'; code: string }

/** The state of a deployment in the database or on a page, with its last action if it has one. */
export type DeploymentSnapshot = {
  revision: number
  status: string
  action: number | null
  state: string | null
}

/**
 * Everything one page showed: each revision in order (null: the deployment was removed), and the list at the
 * end.
 */
export type PageRecord = {
  name: string
  shownRevisions: { atMs: number; deployment: string; revision: number | null }[]
  finalState: Record<string, DeploymentSnapshot>
}

/** The revision of a deployment when it was deleted. */
export type Deletion = { deployment: string; revision: number }

/**
 * A deployment that has a pending status at the end. `overdueMs`: time since its check was due; null: no
 * check is scheduled.
 */
export type PendingDeployment = {
  deployment: string
  status: string
  hasActiveAction: boolean
  overdueMs: number | null
}

/**
 * The stored output of a finished action, what its script printed at most, and whether the script reached its
 * end.
 */
export type StoredOutput = {
  action: number
  state: string
  stored: string
  printed: string
  scriptEnded: boolean
}

/** What one server said to a request with the cookie of a session. `who`: the subject; null: nobody, or not by the session. */
export type SessionAnswer = {
  sentMs: number
  atMs: number
  server: string
  outcome: 'accepted' | 'ended' | 'unknown'
  who?: string | null
}

/** A session of one person, from the answer that has given its cookie. */
export type RecordedSession = {
  person: string
  startedMs: number
  /** When its end was first asked for; null: never. */
  endAskedMs: number | null
  /** When the answer arrived that it has ended; null: no such answer. */
  endedMs: number | null
  /** Whether the provider may end it. */
  mayEnd: boolean
  answers: SessionAnswer[]
  /** `closedMs`: when the server closed it; null: its browser did, at `leftMs`. */
  sockets: { server: string; openedMs: number; closedMs: number | null; leftMs: number | null }[]
}

/** An action that a signed-in person has asked for, and who is stored. */
export type ActionOfPerson = { action: number; asked: string; stored: string | null; proof: string }

/** What the audit log says at the end. */
export type RecordedAudit = {
  /** The actions of the entries about accepted actions; one for each entry. */
  actions: number[]
  /** The request ids of the entries about refusals; one for each entry. */
  refusals: string[]
  /** What is wrong with the chain, as the server says. */
  problems: string[]
}

/** A time in which something did not work. */
export type Outage = { fromMs: number; untilMs: number }

export type History = {
  runs: ScriptRun[]
  ends: ScriptEnd[]
  /** Announced by scripts that another program ends, and that therefore may record no end. */
  ownEnds: ScriptEnd[]
  sightings: ProcessSighting[]
  /** Recorded only in the scenario about checks. */
  checks: CheckRun[]
  /** In the order of the database. */
  writes: Write[]
  requests: RecordedRequest[]
  pages: PageRecord[]
  /** Whether a lost action may get a further attempt (INTERRUPTED_ACTIONS). */
  retriesAllowed: boolean
  /** All deployments in the database at the end. */
  deployments: Record<string, DeploymentSnapshot>
  deletions: Deletion[]
  pendingDeployments: PendingDeployment[]
  outputs: StoredOutput[]
  /** When the machine itself was too busy: how long an idle thread waited for a processor. */
  stalls: Stall[]
  sessions: RecordedSession[]
  actionsOfPeople: ActionOfPerson[]
  /** Null: not read. */
  audit: RecordedAudit | null
  /** The ids of the requests that were answered with 403. */
  refusedRequests: string[]
  /** When announcements may have been lost. */
  redisOutages: Outage[]
  /** When a server could do nothing, also close no websocket. */
  freezes: (Outage & { server: string })[]
}
export type Stall = { atMs: number; lateMs: number }

export const emptyHistory = (): History => ({
  runs: [],
  ends: [],
  ownEnds: [],
  sightings: [],
  checks: [],
  writes: [],
  requests: [],
  pages: [],
  retriesAllowed: false,
  deployments: {},
  deletions: [],
  pendingDeployments: [],
  outputs: [],
  stalls: [],
  sessions: [],
  actionsOfPeople: [],
  audit: null,
  refusedRequests: [],
  redisOutages: [],
  freezes: [],
})

export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8'
export type Violation = { invariant: Invariant; message: string }

/** The compared clocks move in steps of 10 ms, and one is converted to the other. */
export const toleranceMs = 30

/** A request acts at most this long after its last response. */
export const lateActionMs = 250

export const isActive = (state: string) => state === 'queued' || state === 'running'
/** A waiting action has not ended, and nobody holds it. */
export const isEnd = (state: string) => state !== 'waiting' && !isActive(state)

export const rowChanges = (history: History): RowChange[] =>
  history.writes.filter((write) => write.type === 'row')
