/** The checker itself: a good history passes, and each thing that can be wrong in one is flagged, by its own invariant. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { check } from './check.ts'
import {
  type DeploymentSnapshot,
  emptyHistory,
  type History,
  type Invariant,
  type Row,
  type RowChange,
  type Run,
  type Write,
} from './history.ts'

const queued: Row = {
  kind: 'update',
  state: 'queued',
  fencingToken: 0,
  attempt: 1,
  leaseEndMs: null,
  reason: 'key-1',
}
const row = (atMs: number, by: string, before: Row | null, after: Row | null, action = 1): RowChange => ({
  what: 'row',
  atMs,
  by,
  action,
  deployment: 7,
  before,
  after,
})
const claimed = { ...queued, epoch: 1, leaseEndMs: 20_100 }
const running = { ...claimed, state: 'running' }
const renewed = { ...running, leaseEndMs: 23_000 }
const succeeded = { ...renewed, state: 'succeeded', leaseEndMs: null }
const cancelled = { ...queued, state: 'cancelled' }
const interrupted = { ...running, state: 'interrupted', epoch: 2, leaseEndMs: null }
const retry: Row = { ...queued, attempt: 2, reason: 'Retry of action 1, whose runner was lost.' }

const snapshot: DeploymentSnapshot = { revision: 6, status: 'Running', action: 1, state: 'succeeded' }

/** One action from acceptance to its end, as it should be. */
function createHistory(): History {
  return {
    ...emptyHistory(),
    runs: [{ atMs: 300, action: 1, attempt: 1, fencingToken: 1, pid: 50, deployment: 'one', gotLock: true }],
    ends: [{ atMs: 4000, action: 1, fencingToken: 1 }],
    sightings: [{ atMs: 3990, action: 1, fencingToken: 1, pid: 50 }],
    writes: [
      row(50, 'server', null, queued),
      row(100, 'runner-a', queued, claimed),
      row(200, 'runner-a', claimed, running),
      { what: 'output', atMs: 400, by: 'runner-a', action: 1, fencingToken: 1 },
      row(3000, 'runner-a', running, renewed),
      row(4050, 'runner-a', renewed, succeeded),
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
        shown: [
          { atMs: 60, deployment: 'one', revision: 5 },
          { atMs: 4060, deployment: 'one', revision: 6 },
        ],
        finalState: { one: snapshot },
      },
    ],
    deployments: { one: snapshot },
    outputs: [{ action: 1, state: 'succeeded', stored: 'done\n', printed: 'done\n', ended: true }],
    pending: [{ deployment: 'one', status: 'UpdatePending', active: false, overdueMs: -5000 }],
  }
}

/** The runner was lost: the sweeper ends the action and a second attempt follows. */
function createRetriedHistory(): History {
  const history = createHistory()
  const [accepted, taken, started, output] = history.writes as [Write, Write, Write, Write]
  history.writes = [
    accepted,
    taken,
    started,
    output,
    row(20_200, 'runner-b', running, interrupted),
    row(20_201, 'runner-b', null, retry, 2),
    row(20_300, 'runner-b', retry, { ...retry, fencingToken: 1, leaseEndMs: 40_300 }, 2),
    row(
      20_400,
      'runner-b',
      { ...retry, fencingToken: 1, leaseEndMs: 40_300 },
      { ...retry, fencingToken: 1, leaseEndMs: 40_300, state: 'running' },
      2,
    ),
    row(
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

/** After a good action its deployment is cleaned up: whoever ended the cleanup deletes all rows, its own not as the last. */
function createCleanedUpHistory(): History {
  const history = createHistory()
  const [asked] = [{ ...cleaning, state: 'queued', epoch: 0, leaseEndMs: null }]
  history.writes.push(
    row(5000, 'server', null, asked, 2),
    row(5100, 'runner-b', asked, { ...cleaning, state: 'queued' }, 2),
    row(5200, 'runner-b', { ...cleaning, state: 'queued' }, cleaning, 2),
    row(5400, 'runner-b', cleaning, { ...cleaning, state: 'succeeded', leaseEndMs: null }, 2),
    row(5400, 'runner-b', { ...cleaning, state: 'succeeded', leaseEndMs: null }, null, 2),
    row(5400, 'runner-b', succeeded, null, 1),
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
  history.pending = []
  for (const { shown, finalState } of history.pages) {
    shown.push({ atMs: 5450, deployment: 'one', revision: null })
    delete finalState.one
  }
  history.outputs = []
  return history
}

/** An action and its two further attempts, all of them lost. */
function createThreeAttempts(): History {
  const attempts = [1, 2, 3].flatMap((attempt) => {
    const fromMs = 20_200 * attempt
    const reason = attempt === 1 ? 'key-1' : `Retry of action ${attempt - 1}, whose runner was lost.`
    const asked = { ...queued, attempt, reason }
    const taken = { ...asked, epoch: 1, leaseEndMs: fromMs + 20_000 }
    const lost = { ...taken, state: 'interrupted', epoch: 2, leaseEndMs: null }
    return [
      row(fromMs, 'server', null, asked, attempt),
      row(fromMs, 'runner-a', asked, taken, attempt),
      row(fromMs, 'runner-a', taken, { ...taken, state: 'running' }, attempt),
      row(fromMs + 20_100, 'runner-b', { ...taken, state: 'running' }, lost, attempt),
    ]
  })
  return { ...emptyHistory(), retriesAllowed: true, writes: attempts }
}

const violatedInvariants = (history: History) => [
  ...new Set(check(history).map(({ invariant }) => invariant)),
]

test('good histories pass', () => {
  assert.deepEqual(check(createHistory()), [])
  assert.deepEqual(check(createRetriedHistory()), [])
  assert.deepEqual(check(createCleanedUpHistory()), [])
  assert.deepEqual(check(createThreeAttempts()), [])
  assert.deepEqual(check(emptyHistory()), [])
})

test('what is cut short is kept as far as it came, and a name may come again', () => {
  const history = createCleanedUpHistory()
  history.outputs = [{ action: 1, state: 'interrupted', stored: 'do', printed: 'done\n', ended: false }]
  // Deleted twice; the page has seen the first time only.
  history.deletions = [{ deployment: 'one', revision: 20 }, ...history.deletions]
  history.pages[0]?.shown.push({ atMs: 9000, deployment: 'one', revision: 9 })
  const anew = { ...snapshot, revision: 9, action: 3 }
  Object.assign(history.pages[0]?.finalState ?? {}, { one: { ...anew } })
  history.deployments = { one: anew }
  assert.deepEqual(check(history), [])
})

test('a process that outlives its lease only as long as the machine stood still is no violation', () => {
  const starved = createRetriedHistory()
  starved.sightings.push({ atMs: 20_340, action: 1, fencingToken: 1, pid: 52 })
  starved.runs[1] = { ...(starved.runs[1] as Run), atMs: 20_500 }
  for (const write of starved.writes)
    if (write.what === 'row' && write.action === 1 && write.after?.state === 'interrupted')
      write.atMs = 20_350
  starved.stalls.push({ atMs: 20_300, lateMs: 400 })
  assert.deepEqual(check(starved), [])
})

const brokenHistories: [title: string, invariant: Invariant, history: History][] = []
const addBroken = (title: string, invariant: Invariant, from: History, spoil: (history: History) => void) => {
  const history = structuredClone(from)
  spoil(history)
  brokenHistories.push([title, invariant, history])
}

addBroken(
  'a script that did not get the lock of its deployment',
  'I1',
  createRetriedHistory(),
  ({ runs }) => {
    Object.assign(runs[1] ?? {}, { alone: false })
  },
)
addBroken(
  'a script that was seen alive after the next one had started',
  'I1',
  createRetriedHistory(),
  ({ sightings, writes }) => {
    sightings.push({ atMs: 20_560, action: 1, fencingToken: 1, pid: 52 })
    // Its lease is made long enough, so that only the overlap is wrong.
    for (const write of writes)
      if (write.what === 'row' && write.action === 1 && write.after?.fencingToken === 1)
        write.after.leaseEndMs = 20_700
    writes[4] = row(20_790, 'runner-b', { ...running, leaseEndMs: 20_700 }, interrupted)
  },
)
addBroken('an action that is still running after the quiet time', 'I2', createHistory(), ({ writes }) =>
  writes.pop(),
)
addBroken('an accepted action that is not in the database', 'I2', createHistory(), ({ requests }) => {
  requests.push({
    key: 'key-2',
    deployment: 'two',
    kind: 'create',
    sentMs: 70,
    responses: [{ atMs: 80, outcome: 'accepted', action: 99 }],
  })
})
addBroken('a request that was refused and begun all the same', 'I2', createHistory(), ({ requests }) => {
  Object.assign(requests[0] ?? {}, { answers: [{ atMs: 60, outcome: 'rejected', code: 'busy' }] })
})
addBroken('a request whose outcome nobody ever learned', 'I2', createHistory(), ({ requests }) =>
  requests[0]?.responses.pop(),
)
addBroken('a deployment that waits for a check nobody makes', 'I2', createHistory(), ({ pending }) => {
  Object.assign(pending[0] ?? {}, { overdueMs: 20_000 })
})
addBroken('a deployment that waits for a check that never comes', 'I2', createHistory(), ({ pending }) => {
  Object.assign(pending[0] ?? {}, { overdueMs: null })
})
addBroken('a success whose script never ran', 'I2', createHistory(), (history) => {
  Object.assign(history, { runs: [], ends: [], sightings: [] })
})
addBroken('a success whose script never came to its end', 'I2', createHistory(), (history) => {
  history.ends = []
})
addBroken('a success whose script ended under another epoch', 'I2', createHistory(), ({ ends }) => {
  Object.assign(ends[0] ?? {}, { fence: 2 })
})
addBroken('a success on record before its script came to its end', 'I2', createHistory(), (history) => {
  history.sightings = []
  Object.assign(history.ends[0] ?? {}, { atMs: 4100 })
})
addBroken(
  'a cleanup that took all rows along without its script',
  'I2',
  createCleanedUpHistory(),
  ({ runs }) => runs.pop(),
)
addBroken('a second run of one action', 'I3', createHistory(), ({ runs }) => {
  runs.push({ atMs: 4200, action: 1, attempt: 1, fencingToken: 2, pid: 60, deployment: 'one', gotLock: true })
})
addBroken('a script of an action without a start on record', 'I3', createHistory(), ({ runs }) => {
  runs.push({
    atMs: 4200,
    action: 9,
    attempt: 1,
    fencingToken: 1,
    pid: 60,
    deployment: 'nine',
    gotLock: true,
  })
})
addBroken('a script that began before its start was committed', 'I3', createHistory(), ({ runs }) => {
  Object.assign(runs[0] ?? {}, { atMs: 150 })
})
addBroken(
  'a script that was told another attempt than is on record',
  'I3',
  createRetriedHistory(),
  ({ runs }) => {
    Object.assign(runs[1] ?? {}, { attempt: 1 })
  },
)
addBroken('a key that acted twice, as its asker was told', 'I3', createHistory(), ({ requests, writes }) => {
  requests[0]?.responses.push({ atMs: 70, outcome: 'accepted', action: 2 })
  writes.push(
    row(55, 'server', null, { ...queued, reason: 'another' }, 2),
    row(56, 'server', queued, cancelled, 2),
  )
})
addBroken('a key that acted twice, as only the database tells', 'I3', createHistory(), ({ writes }) => {
  writes.push(row(55, 'server', null, queued, 2), row(56, 'server', queued, cancelled, 2))
})
addBroken(
  'a further attempt of an action that was not interrupted',
  'I3',
  createRetriedHistory(),
  ({ writes }) => {
    writes[4] = row(20_200, 'runner-a', running, { ...running, state: 'failed', leaseEndMs: null })
  },
)
addBroken(
  'a second attempt that follows an action which has one already',
  'I3',
  createRetriedHistory(),
  ({ writes }) => {
    writes.push(row(20_700, 'runner-b', null, retry, 3))
    writes.push(row(20_701, 'server', retry, { ...retry, state: 'cancelled' }, 3))
  },
)
addBroken('a second attempt where none may follow', 'I3', createRetriedHistory(), (history) => {
  history.retriesAllowed = false
})
addBroken('a fourth attempt', 'I3', createThreeAttempts(), ({ writes }) => {
  const words = 'Retry of action 3, whose runner was lost.'
  const fourth = { ...queued, attempt: 4, reason: words }
  writes.push(row(70_000, 'runner-b', null, fourth, 4))
  writes.push(row(70_001, 'server', fourth, { ...fourth, state: 'cancelled' }, 4))
})
addBroken(
  'a script that was told another fence than is on record',
  'I3',
  createRetriedHistory(),
  ({ runs, sightings }) => {
    sightings.length = 0
    Object.assign(runs[0] ?? {}, { fence: 2 })
  },
)
addBroken("a request that was told another one's action", 'I3', createHistory(), ({ requests, writes }) => {
  writes.splice(1, 0, row(55, 'server', null, { ...queued, reason: 'key-2' }, 2))
  writes.splice(2, 0, row(56, 'server', { ...queued, reason: 'key-2' }, { ...cancelled, reason: 'key-2' }, 2))
  requests.push({
    key: 'key-3',
    deployment: 'two',
    kind: 'update',
    sentMs: 50,
    responses: [{ atMs: 57, outcome: 'accepted', action: 2 }],
  })
})
addBroken(
  'an active action that was deleted by another hand',
  'I4',
  createHistory(),
  ({ writes, outputs }) => {
    writes.pop()
    writes.push(row(4050, 'wrong', renewed, null))
    outputs.length = 0
  },
)
addBroken('an active action that its holder deleted', 'I4', createHistory(), ({ writes }) => {
  writes.pop()
  writes.push(row(4050, 'runner-a', renewed, null))
})
addBroken('what had ended was deleted without a cleanup', 'I4', createHistory(), ({ writes }) => {
  writes.push(row(4100, 'runner-a', succeeded, null))
})
addBroken(
  'what had ended was deleted by another hand than that of the cleanup',
  'I4',
  createCleanedUpHistory(),
  ({ writes }) => {
    Object.assign(writes.at(-1) ?? {}, { by: 'runner-a' })
  },
)
addBroken('a start by another hand', 'I4', createHistory(), ({ writes }) => {
  Object.assign(writes[2] ?? {}, { by: 'wrong' })
})
addBroken('output with an epoch that is over', 'I4', createRetriedHistory(), ({ writes }) => {
  writes.push({ what: 'output', atMs: 20_450, by: 'runner-a', action: 2, fencingToken: 0 })
})
addBroken('output of an action that has ended', 'I4', createRetriedHistory(), ({ writes }) => {
  writes.push({ what: 'output', atMs: 20_700, by: 'runner-a', action: 1, fencingToken: 1 })
})
addBroken(
  'an end written by a runner that had lost the action',
  'I4',
  createRetriedHistory(),
  ({ writes }) => {
    Object.assign(writes[8] ?? {}, { by: 'runner-a' })
  },
)
addBroken('a lease renewed by somebody who does not hold it', 'I4', createHistory(), ({ writes }) => {
  Object.assign(writes[4] ?? {}, { by: 'runner-b' })
})
addBroken('an action taken while its lease was held', 'I4', createRetriedHistory(), ({ writes }) => {
  Object.assign(writes[4] ?? {}, { atMs: 15_000 })
})
addBroken('a change of what had ended', 'I4', createHistory(), ({ writes }) => {
  writes.push(row(4100, 'runner-a', succeeded, { ...succeeded, state: 'failed' }))
})
addBroken('an epoch that goes back', 'I4', createHistory(), ({ writes }) => {
  writes.splice(4, 0, row(2000, 'runner-a', running, { ...running, fencingToken: 0 }))
})
addBroken('a page that shows an older state after a newer one', 'I5', createHistory(), ({ pages }) => {
  pages[0]?.shown.push({ atMs: 4070, deployment: 'one', revision: 5 })
})
addBroken('a page that missed the last change', 'I5', createHistory(), ({ pages }) => {
  Object.assign(pages[0]?.finalState ?? {}, { one: { ...snapshot, revision: 5 } })
})
for (const [what, stale] of Object.entries({
  'the status': { status: 'UpdatePending' },
  'the last action': { action: 0 },
  'the state of the last action': { state: 'running' },
}))
  addBroken(`a page that has the last revision, and not ${what}`, 'I5', createHistory(), ({ pages }) => {
    Object.assign(pages[0]?.finalState ?? {}, { one: { ...snapshot, ...stale } })
  })
addBroken('a page that still shows what is gone', 'I5', createHistory(), (history) => {
  history.deployments = {}
})
addBroken('a page that shows again what was gone', 'I5', createCleanedUpHistory(), ({ pages }) => {
  pages[0]?.shown.push({ atMs: 5500, deployment: 'one', revision: 6 })
  pages[0]?.shown.push({ atMs: 5600, deployment: 'one', revision: null })
})
addBroken('a page that takes away what is there', 'I5', createHistory(), ({ pages }) => {
  pages[0]?.shown.push({ atMs: 4070, deployment: 'one', revision: null })
  pages[0]?.shown.push({ atMs: 4080, deployment: 'one', revision: 6 })
})
addBroken(
  'output of an interrupted action that its script never printed',
  'I5',
  createHistory(),
  ({ outputs }) => {
    outputs.push({ action: 9, state: 'interrupted', stored: 'dong', printed: 'done\n', ended: false })
  },
)
addBroken('output that was lost', 'I5', createHistory(), ({ outputs }) => {
  Object.assign(outputs[0] ?? {}, { stored: '' })
})
addBroken(
  'output of a failed action that was lost, though its script came to its end',
  'I5',
  createHistory(),
  ({ outputs }) => {
    outputs.push({ action: 9, state: 'failed', stored: '', printed: 'done\n', ended: true })
  },
)
addBroken('a process that lives after its lease', 'I6', createRetriedHistory(), ({ sightings }) => {
  sightings.push({ atMs: 20_140, action: 1, fencingToken: 1, pid: 52 })
})
addBroken('a process that lives after its action has ended', 'I6', createHistory(), ({ sightings }) => {
  sightings.push({ atMs: 4090, action: 1, fencingToken: 1, pid: 52 })
})

for (const [title, invariant, history] of brokenHistories)
  test(`${invariant} is flagged: ${title}`, () => assert.deepEqual(violatedInvariants(history), [invariant]))

test('every invariant has a history that breaks it', () => {
  assert.deepEqual([...new Set(brokenHistories.map(([, invariant]) => invariant))].sort(), [
    'I1',
    'I2',
    'I3',
    'I4',
    'I5',
    'I6',
  ])
})
