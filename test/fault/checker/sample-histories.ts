/** Correct histories for check.test.ts, which breaks one thing at a time in copies of them. */
import {
  type DeploymentSnapshot,
  emptyHistory,
  type History,
  type Row,
  type RowChange,
  type Write,
} from './history.ts'

export const queued: Row = {
  kind: 'update',
  state: 'queued',
  fencingToken: 0,
  attempt: 1,
  leaseEndMs: null,
  reason: 'key-1',
}
export const rowChange = (
  atMs: number,
  program: string,
  before: Row | null,
  after: Row | null,
  action = 1,
): RowChange => ({
  type: 'row',
  atMs,
  program,
  action,
  deployment: 7,
  before,
  after,
})
const claimed = { ...queued, fencingToken: 1, leaseEndMs: 20_100 }
export const running = { ...claimed, state: 'running' }
export const renewed = { ...running, leaseEndMs: 23_000 }
export const succeeded = { ...renewed, state: 'succeeded', leaseEndMs: null }
export const cancelled = { ...queued, state: 'cancelled' }
export const interrupted = { ...running, state: 'interrupted', fencingToken: 2, leaseEndMs: null }
export const retry: Row = { ...queued, attempt: 2, reason: 'Retry of action 1, whose runner was lost.' }

export const snapshot: DeploymentSnapshot = { revision: 6, status: 'Running', action: 1, state: 'succeeded' }

/** One action from acceptance to its end. */
export function createHistory(): History {
  return {
    ...emptyHistory(),
    runs: [{ atMs: 300, action: 1, attempt: 1, fencingToken: 1, pid: 50, deployment: 'one', gotLock: true }],
    ends: [{ atMs: 4000, action: 1, fencingToken: 1 }],
    sightings: [{ atMs: 3990, action: 1, fencingToken: 1, pid: 50 }],
    writes: [
      rowChange(50, 'server', null, queued),
      rowChange(100, 'runner-a', queued, claimed),
      rowChange(200, 'runner-a', claimed, running),
      { type: 'output', atMs: 400, program: 'runner-a', action: 1, fencingToken: 1 },
      rowChange(3000, 'runner-a', running, renewed),
      rowChange(4050, 'runner-a', renewed, succeeded),
    ],
    requests: [
      {
        key: 'key-1',
        deployment: 'one',
        kind: 'update',
        sentMs: 40,
        responses: [
          { atMs: 45, outcome: 'unknown', code: 'ECONNRESET' },
          { atMs: 60, outcome: 'accepted', action: 1 },
        ],
      },
    ],
    pages: [
      {
        name: 'page-1',
        shownRevisions: [
          { atMs: 60, deployment: 'one', revision: 5 },
          { atMs: 4060, deployment: 'one', revision: 6 },
        ],
        finalState: { one: snapshot },
      },
    ],
    deployments: { one: snapshot },
    outputs: [{ action: 1, state: 'succeeded', stored: 'done\n', printed: 'done\n', scriptEnded: true }],
    pendingDeployments: [
      { deployment: 'one', status: 'UpdatePending', hasActiveAction: false, overdueMs: -5000 },
    ],
  }
}

/** The runner was lost: the recovery ends the action, and a second attempt follows. */
export function createRetriedHistory(): History {
  const history = createHistory()
  const [accepted, claim, start, output] = history.writes as [Write, Write, Write, Write]
  history.writes = [
    accepted,
    claim,
    start,
    output,
    rowChange(20_200, 'runner-b', running, interrupted),
    rowChange(20_201, 'runner-b', null, retry, 2),
    rowChange(20_300, 'runner-b', retry, { ...retry, fencingToken: 1, leaseEndMs: 40_300 }, 2),
    rowChange(
      20_400,
      'runner-b',
      { ...retry, fencingToken: 1, leaseEndMs: 40_300 },
      { ...retry, fencingToken: 1, leaseEndMs: 40_300, state: 'running' },
      2,
    ),
    rowChange(
      20_600,
      'runner-b',
      { ...retry, fencingToken: 1, leaseEndMs: 40_300, state: 'running' },
      { ...retry, fencingToken: 1, leaseEndMs: null, state: 'succeeded' },
      2,
    ),
  ]
  history.retriesAllowed = true
  history.ends.push({ atMs: 20_550, action: 2, fencingToken: 1 })
  history.runs.push({
    atMs: 20_500,
    action: 2,
    attempt: 2,
    fencingToken: 1,
    pid: 51,
    deployment: 'one',
    gotLock: true,
  })
  return history
}

const cleaning = { ...running, kind: 'cleanup', leaseEndMs: 25_100, reason: 'key-2' }

/**
 * The deployment is cleaned up after the action. Another runner deletes all rows behind it.
 */
export function createCleanedUpHistory(): History {
  const history = createHistory()
  const requested = { ...cleaning, state: 'queued', fencingToken: 0, leaseEndMs: null }
  history.writes.push(
    rowChange(5000, 'server', null, requested, 2),
    rowChange(5100, 'runner-b', requested, { ...cleaning, state: 'queued' }, 2),
    rowChange(5200, 'runner-b', { ...cleaning, state: 'queued' }, cleaning, 2),
    rowChange(5400, 'runner-b', cleaning, { ...cleaning, state: 'succeeded', leaseEndMs: null }, 2),
    rowChange(5500, 'runner-a', { ...cleaning, state: 'succeeded', leaseEndMs: null }, null, 2),
    rowChange(5500, 'runner-a', succeeded, null, 1),
  )
  history.runs.push({
    atMs: 5300,
    action: 2,
    attempt: 1,
    fencingToken: 1,
    pid: 70,
    deployment: 'one',
    gotLock: true,
  })
  history.ends.push({ atMs: 5350, action: 2, fencingToken: 1 })
  history.deployments = {}
  history.deletions = [{ deployment: 'one', revision: 7 }]
  history.pendingDeployments = []
  for (const { shownRevisions, finalState } of history.pages) {
    shownRevisions.push({ atMs: 5450, deployment: 'one', revision: null })
    delete finalState.one
  }
  history.outputs = []
  return history
}

/** An action and its two further attempts; each time the runner was lost. */
export function createThreeAttempts(): History {
  const attempts = [1, 2, 3].flatMap((attempt) => {
    const fromMs = 20_200 * attempt
    const reason = attempt === 1 ? 'key-1' : `Retry of action ${attempt - 1}, whose runner was lost.`
    const requested = { ...queued, attempt, reason }
    const claimed = { ...requested, fencingToken: 1, leaseEndMs: fromMs + 20_000 }
    const lost = { ...claimed, state: 'interrupted', fencingToken: 2, leaseEndMs: null }
    return [
      rowChange(fromMs, 'server', null, requested, attempt),
      rowChange(fromMs, 'runner-a', requested, claimed, attempt),
      rowChange(fromMs, 'runner-a', claimed, { ...claimed, state: 'running' }, attempt),
      rowChange(fromMs + 20_100, 'runner-b', { ...claimed, state: 'running' }, lost, attempt),
    ]
  })
  return { ...emptyHistory(), retriesAllowed: true, writes: attempts }
}
