/**
 * What one run of the rig has recorded, as plain data: by the control scripts, by the clients, by the database. The
 * checks of this folder read nothing else. All times are milliseconds since the machine started (/proc/uptime, in steps of 10).
 */

/** The start of a control script of an action, written by itself before anything else. */
export type Run = {
  atMs: number
  action: number
  attempt: number
  fencingToken: number
  pid: number
  deployment: string
  /** Whether it got the deployment's lock, which every process of an earlier script holds as long as it lives. */
  gotLock: boolean
}

/** The end of it, written by itself as the last thing; a script that was killed writes none. */
export type RunEnd = { atMs: number; action: number; fencingToken: number }

/** The rig's own hand in the database, as the database knows it: what that tidies away is nobody's fault. */
export const harnessName = 'rig'

/** A check is made within so long of its time, also on a busy machine. */
export const checkTimeoutMs = 10_000

/** One try more than these is never made of one request. */
export const maxAttempts = 3

/** A process of a script's tree was seen alive for the last time. */
export type Sighting = { atMs: number; action: number; fencingToken: number; pid: number }

export type Row = {
  kind: string
  state: string
  fencingToken: number
  attempt: number
  leaseEndMs: number | null
  /** The reason given with the request: the rig gives the idempotency key of it. */
  reason: string | null
}

/** A change of a row of `actions`, noted by the database as it was committed; `by` is the program that did it. */
export type RowChange = {
  what: 'row'
  atMs: number
  by: string
  action: number
  deployment: number
  before: Row | null
  after: Row | null
}
/** A chunk of output that the database accepted. */
export type OutputWrite = { what: 'output'; atMs: number; by: string; action: number; fencingToken: number }
export type Write = RowChange | OutputWrite

/** One intention of a client, sent again with the same key until the answer was definite. */
export type RecordedRequest = {
  key: string
  deployment: string
  kind: string
  sentMs: number
  responses: RecordedResponse[]
}
export type RecordedResponse =
  | { atMs: number; outcome: 'accepted'; action: number }
  | { atMs: number; outcome: 'rejected'; code: string }
  | { atMs: number; outcome: 'unknown'; code: string }

/** How a deployment stands, in the database or on a page: with its last action, where it has one. */
export type DeploymentSnapshot = {
  revision: number
  status: string
  action: number | null
  state: string | null
}

/** What one page showed: every revision in the order it came (null: it was taken away), and the whole list at the end. */
export type PageRecord = {
  name: string
  shown: { atMs: number; deployment: string; revision: number | null }[]
  finalState: Record<string, DeploymentSnapshot>
}

/** The revision a deployment had when it was deleted. */
export type Deletion = { deployment: string; revision: number }

/** A deployment that waits for something at the end; `overdueMs`: since when its check should be made, null where none will come. */
export type Pending = { deployment: string; status: string; active: boolean; overdueMs: number | null }

/** What is stored of an action that has ended, what its script printed at most, and whether that came to its own end. */
export type StoredOutput = { action: number; state: string; stored: string; printed: string; ended: boolean }

export type History = {
  runs: Run[]
  ends: RunEnd[]
  /** Announced by scripts that end in a way of their own, which may write no end. */
  ownEnds: RunEnd[]
  sightings: Sighting[]
  /** In the order in which the database did them. */
  writes: Write[]
  requests: RecordedRequest[]
  pages: PageRecord[]
  /** Whether a lost action may be followed by a further attempt (INTERRUPTED_ACTIONS). */
  retriesAllowed: boolean
  /** Every deployment, in the database at the end. */
  deployments: Record<string, DeploymentSnapshot>
  deletions: Deletion[]
  pending: Pending[]
  outputs: StoredOutput[]
  /** When the machine itself had no time for anybody: a thread that only looks waited so long for a processor. */
  stalls: Stall[]
}
export type Stall = { atMs: number; lateMs: number }

export const emptyHistory = (): History => ({
  runs: [],
  ends: [],
  ownEnds: [],
  sightings: [],
  writes: [],
  requests: [],
  pages: [],
  retriesAllowed: false,
  deployments: {},
  deletions: [],
  pending: [],
  outputs: [],
  stalls: [],
})

export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6'
export type Violation = { invariant: Invariant; message: string }

/** Two clocks are compared that move in steps of 10 ms, one of them by way of another. */
export const toleranceMs = 30

export const isActive = (state: string) => state === 'queued' || state === 'running'

export const rowChanges = (history: History): RowChange[] =>
  history.writes.filter((write) => write.what === 'row')
