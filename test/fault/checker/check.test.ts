/** The checker accepts correct histories and reports each violation with its invariant. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { check } from './check.ts'
import { findCheckOverlaps } from './check-overlap.ts'
import { emptyHistory, type History, type Invariant, type ScriptRun } from './history.ts'
import {
  cancelled,
  createCleanedUpHistory,
  createHistory,
  createRetriedHistory,
  createThreeAttempts,
  interrupted,
  queued,
  renewed,
  retry,
  rowChange,
  running,
  snapshot,
  succeeded,
} from './sample-histories.ts'

const violatedInvariants = (history: History) => [
  ...new Set(check(history).map(({ invariant }) => invariant)),
]

test('A correct history has no violation', () => {
  assert.deepEqual(check(createHistory()), [])
  assert.deepEqual(check(createRetriedHistory()), [])
  assert.deepEqual(check(createCleanedUpHistory()), [])
  assert.deepEqual(check(createThreeAttempts()), [])
  assert.deepEqual(check(emptyHistory()), [])
})

test('An action may wait before it is queued, and an action that waits has not ended', () => {
  const waiting = { ...queued, state: 'waiting', reason: 'key-2' }
  const superseded = { ...waiting, state: 'superseded' }
  const ended = createHistory()
  ended.writes.push(
    rowChange(5000, 'server', null, waiting, 2),
    rowChange(5100, 'server', waiting, superseded, 2),
  )
  assert.deepEqual(check(ended), [])
  const lost = createHistory()
  lost.writes.push(rowChange(5000, 'server', null, waiting, 2))
  assert.deepEqual(violatedInvariants(lost), ['I2'])
  const overtaken = createHistory()
  overtaken.writes.push(
    rowChange(5000, 'server', null, waiting, 2),
    rowChange(5100, 'runner-a', waiting, { ...succeeded, reason: 'key-2' }, 2),
  )
  assert.ok(violatedInvariants(overtaken).includes('I4'))
})

test('Output may be cut when its script was interrupted, and a deleted name may be used again', () => {
  const history = createCleanedUpHistory()
  history.outputs = [{ action: 1, state: 'interrupted', stored: 'do', printed: 'done\n', scriptEnded: false }]
  // Deleted twice; the page has seen only the first deletion.
  history.deletions = [{ deployment: 'one', revision: 20 }, ...history.deletions]
  history.pages[0]?.shownRevisions.push({ atMs: 9000, deployment: 'one', revision: 9 })
  const recreated = { ...snapshot, revision: 9, action: 3 }
  Object.assign(history.pages[0]?.finalState ?? {}, { one: { ...recreated } })
  history.deployments = { one: recreated }
  assert.deepEqual(check(history), [])
})

test('A client may give up after a response that says nothing certain', () => {
  const history = createHistory()
  Object.assign(history.requests[0] ?? {}, {
    isGivenUp: true,
    responses: [{ atMs: 45, outcome: 'unknown', code: '503 service_unavailable' }],
  })
  assert.deepEqual(check(history), [])
})

test('A process may outlive its lease by the time for which the machine was stalled', () => {
  const stalled = createRetriedHistory()
  stalled.sightings.push({ atMs: 20_340, action: 1, fencingToken: 1, pid: 52 })
  stalled.runs[1] = { ...(stalled.runs[1] as ScriptRun), atMs: 20_500 }
  for (const write of stalled.writes)
    if (write.type === 'row' && write.action === 1 && write.after?.state === 'interrupted')
      write.atMs = 20_350
  stalled.stalls.push({ atMs: 20_300, lateMs: 400 })
  assert.deepEqual(check(stalled), [])
})

test('A check beside the script of an action or beside another check is counted, with its time', () => {
  const history = createHistory()
  const addCheck = (atMs: number, lastAliveMs: number, deployment = 'one') =>
    history.checks.push({ atMs, lastAliveMs, deployment, pid: atMs })
  addCheck(0, 290)
  addCheck(4020, 5000)
  addCheck(0, 9000, 'another')
  assert.deepEqual(findCheckOverlaps(history), { besideActionsMs: [], besideChecksMs: [] })
  addCheck(3500, 4400)
  assert.deepEqual(findCheckOverlaps(history), { besideActionsMs: [500], besideChecksMs: [380] })
})

const brokenHistories: [title: string, invariant: Invariant, history: History][] = []
const addBroken = (
  title: string,
  invariant: Invariant,
  from: History,
  breakHistory: (history: History) => void,
) => {
  const history = structuredClone(from)
  breakHistory(history)
  brokenHistories.push([title, invariant, history])
}

addBroken('a script did not get the lock of its deployment', 'I1', createRetriedHistory(), ({ runs }) => {
  Object.assign(runs[1] ?? {}, { gotLock: false })
})
addBroken(
  'a script was alive after the next one had started',
  'I1',
  createRetriedHistory(),
  ({ sightings, writes }) => {
    sightings.push({ atMs: 20_560, action: 1, fencingToken: 1, pid: 52 })
    // The lease is longer, so that only the overlap is wrong.
    for (const write of writes)
      if (write.type === 'row' && write.action === 1 && write.after?.fencingToken === 1)
        write.after.leaseEndMs = 20_700
    writes[4] = rowChange(20_790, 'runner-b', { ...running, leaseEndMs: 20_700 }, interrupted)
  },
)
addBroken('an action is still running at the end', 'I2', createHistory(), ({ writes }) => writes.pop())
addBroken('an accepted action is not in the database', 'I2', createHistory(), ({ requests }) => {
  requests.push({
    key: 'key-2',
    deployment: 'two',
    kind: 'create',
    sentMs: 70,
    responses: [{ atMs: 80, outcome: 'accepted', action: 99 }],
  })
})
addBroken('a rejected request started an action', 'I2', createHistory(), ({ requests }) => {
  Object.assign(requests[0] ?? {}, { responses: [{ atMs: 60, outcome: 'rejected', code: 'busy' }] })
})
addBroken('a request that was given up started an action later', 'I2', createHistory(), (history) => {
  Object.assign(history.requests[0] ?? {}, {
    isGivenUp: true,
    responses: [{ atMs: -3000, outcome: 'unknown', code: '503 service_unavailable' }],
  })
})
addBroken('a request never got a final response', 'I2', createHistory(), ({ requests }) =>
  requests[0]?.responses.pop(),
)
addBroken('a deployment waits for an overdue check', 'I2', createHistory(), ({ pendingDeployments }) => {
  Object.assign(pendingDeployments[0] ?? {}, { overdueMs: 20_000 })
})
addBroken('a deployment waits and no check is scheduled', 'I2', createHistory(), ({ pendingDeployments }) => {
  Object.assign(pendingDeployments[0] ?? {}, { overdueMs: null })
})
addBroken('the script of a success never ran', 'I2', createHistory(), (history) => {
  Object.assign(history, { runs: [], ends: [], sightings: [] })
})
addBroken('the script of a success never reached its end', 'I2', createHistory(), (history) => {
  history.ends = []
})
addBroken('the script of a success ended with another fencing token', 'I2', createHistory(), ({ ends }) => {
  Object.assign(ends[0] ?? {}, { fencingToken: 2 })
})
addBroken('a success is recorded before its script ended', 'I2', createHistory(), (history) => {
  history.sightings = []
  Object.assign(history.ends[0] ?? {}, { atMs: 4100 })
})
addBroken('a cleanup deleted all rows and its script never ran', 'I2', createCleanedUpHistory(), ({ runs }) =>
  runs.pop(),
)
addBroken('one action ran twice', 'I3', createHistory(), ({ runs }) => {
  runs.push({ atMs: 4200, action: 1, attempt: 1, fencingToken: 2, pid: 60, deployment: 'one', gotLock: true })
})
addBroken('a script ran without a recorded start', 'I3', createHistory(), ({ runs }) => {
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
addBroken('a script started before its start was committed', 'I3', createHistory(), ({ runs }) => {
  Object.assign(runs[0] ?? {}, { atMs: 150 })
})
addBroken(
  'a script received another attempt than the recorded one',
  'I3',
  createRetriedHistory(),
  ({ runs }) => {
    Object.assign(runs[1] ?? {}, { attempt: 1 })
  },
)
addBroken(
  'a key created two actions, as its responses say',
  'I3',
  createHistory(),
  ({ requests, writes }) => {
    requests[0]?.responses.push({ atMs: 70, outcome: 'accepted', action: 2 })
    writes.push(
      rowChange(55, 'server', null, { ...queued, reason: 'another' }, 2),
      rowChange(56, 'server', queued, cancelled, 2),
    )
  },
)
addBroken('a key created two actions, as only the database says', 'I3', createHistory(), ({ writes }) => {
  writes.push(rowChange(55, 'server', null, queued, 2), rowChange(56, 'server', queued, cancelled, 2))
})
addBroken(
  'a further attempt of an action that was not interrupted',
  'I3',
  createRetriedHistory(),
  ({ writes }) => {
    writes[4] = rowChange(20_200, 'runner-a', running, { ...running, state: 'failed', leaseEndMs: null })
  },
)
addBroken('two second attempts of one action', 'I3', createRetriedHistory(), ({ writes }) => {
  writes.push(rowChange(20_700, 'runner-b', null, retry, 3))
  writes.push(rowChange(20_701, 'server', retry, { ...retry, state: 'cancelled' }, 3))
})
addBroken('a second attempt where retries are not allowed', 'I3', createRetriedHistory(), (history) => {
  history.retriesAllowed = false
})
addBroken('a fourth attempt', 'I3', createThreeAttempts(), ({ writes }) => {
  const reason = 'Retry of action 3, whose runner was lost.'
  const fourth = { ...queued, attempt: 4, reason }
  writes.push(rowChange(70_000, 'runner-b', null, fourth, 4))
  writes.push(rowChange(70_001, 'server', fourth, { ...fourth, state: 'cancelled' }, 4))
})
addBroken(
  'a script received another fencing token than the recorded one',
  'I3',
  createRetriedHistory(),
  ({ runs, sightings }) => {
    sightings.length = 0
    Object.assign(runs[0] ?? {}, { fencingToken: 2 })
  },
)
addBroken(
  'a request was answered with the action of another key',
  'I3',
  createHistory(),
  ({ requests, writes }) => {
    writes.splice(1, 0, rowChange(55, 'server', null, { ...queued, reason: 'key-2' }, 2))
    writes.splice(
      2,
      0,
      rowChange(56, 'server', { ...queued, reason: 'key-2' }, { ...cancelled, reason: 'key-2' }, 2),
    )
    requests.push({
      key: 'key-3',
      deployment: 'two',
      kind: 'update',
      sentMs: 50,
      responses: [{ atMs: 57, outcome: 'accepted', action: 2 }],
    })
  },
)
addBroken('another program deleted an active action', 'I4', createHistory(), ({ writes, outputs }) => {
  writes.pop()
  writes.push(rowChange(4050, 'wrong', renewed, null))
  outputs.length = 0
})
addBroken('the holder deleted an active action', 'I4', createHistory(), ({ writes }) => {
  writes.pop()
  writes.push(rowChange(4050, 'runner-a', renewed, null))
})
addBroken('a finished action was deleted without a cleanup', 'I4', createHistory(), ({ writes }) => {
  writes.push(rowChange(4100, 'runner-a', succeeded, null))
})
addBroken(
  'an action was deleted although its cleanup failed',
  'I4',
  createCleanedUpHistory(),
  ({ writes }) => {
    const { after } = (writes[writes.length - 3] ?? {}) as { after?: { state: string } }
    if (after) after.state = 'failed'
  },
)
addBroken('another program started the action', 'I4', createHistory(), ({ writes }) => {
  Object.assign(writes[2] ?? {}, { program: 'wrong' })
})
addBroken('output with an old fencing token', 'I4', createRetriedHistory(), ({ writes }) => {
  writes.push({ type: 'output', atMs: 20_450, program: 'runner-a', action: 2, fencingToken: 0 })
})
addBroken('output of a finished action', 'I4', createRetriedHistory(), ({ writes }) => {
  writes.push({ type: 'output', atMs: 20_700, program: 'runner-a', action: 1, fencingToken: 1 })
})
addBroken('a runner that had lost the action ended it', 'I4', createRetriedHistory(), ({ writes }) => {
  Object.assign(writes[8] ?? {}, { program: 'runner-a' })
})
addBroken('a program renewed the lease of another one', 'I4', createHistory(), ({ writes }) => {
  Object.assign(writes[4] ?? {}, { program: 'runner-b' })
})
addBroken('an action was taken before its lease ended', 'I4', createRetriedHistory(), ({ writes }) => {
  Object.assign(writes[4] ?? {}, { atMs: 15_000 })
})
addBroken('a finished action was changed', 'I4', createHistory(), ({ writes }) => {
  writes.push(rowChange(4100, 'runner-a', succeeded, { ...succeeded, state: 'failed' }))
})
addBroken('a fencing token decreased', 'I4', createHistory(), ({ writes }) => {
  writes.splice(4, 0, rowChange(2000, 'runner-a', running, { ...running, fencingToken: 0 }))
})
addBroken('a page shows an older state after a newer one', 'I5', createHistory(), ({ pages }) => {
  pages[0]?.shownRevisions.push({ atMs: 4070, deployment: 'one', revision: 5 })
})
addBroken('a page missed the last change', 'I5', createHistory(), ({ pages }) => {
  Object.assign(pages[0]?.finalState ?? {}, { one: { ...snapshot, revision: 5 } })
})
for (const [property, stale] of Object.entries({
  'the status': { status: 'UpdatePending' },
  'the last action': { action: 0 },
  'the state of the last action': { state: 'running' },
}))
  addBroken(`a page has the last revision, but not ${property}`, 'I5', createHistory(), ({ pages }) => {
    Object.assign(pages[0]?.finalState ?? {}, { one: { ...snapshot, ...stale } })
  })
addBroken('a page still shows a deleted deployment', 'I5', createHistory(), (history) => {
  history.deployments = {}
})
addBroken('a page shows a deleted deployment again', 'I5', createCleanedUpHistory(), ({ pages }) => {
  pages[0]?.shownRevisions.push({ atMs: 5500, deployment: 'one', revision: 6 })
  pages[0]?.shownRevisions.push({ atMs: 5600, deployment: 'one', revision: null })
})
addBroken('a page removes a deployment that exists', 'I5', createHistory(), ({ pages }) => {
  pages[0]?.shownRevisions.push({ atMs: 4070, deployment: 'one', revision: null })
  pages[0]?.shownRevisions.push({ atMs: 4080, deployment: 'one', revision: 6 })
})
addBroken(
  'stored output of an interrupted action that its script never printed',
  'I5',
  createHistory(),
  ({ outputs }) => {
    outputs.push({ action: 9, state: 'interrupted', stored: 'dong', printed: 'done\n', scriptEnded: false })
  },
)
addBroken('output of a success was lost', 'I5', createHistory(), ({ outputs }) => {
  Object.assign(outputs[0] ?? {}, { stored: '' })
})
addBroken(
  'output of a failed action was lost although its script reached its end',
  'I5',
  createHistory(),
  ({ outputs }) => {
    outputs.push({ action: 9, state: 'failed', stored: '', printed: 'done\n', scriptEnded: true })
  },
)
addBroken('a process outlived its lease', 'I6', createRetriedHistory(), ({ sightings }) => {
  sightings.push({ atMs: 20_140, action: 1, fencingToken: 1, pid: 52 })
})
addBroken('a process outlived its action', 'I6', createHistory(), ({ sightings }) => {
  sightings.push({ atMs: 4090, action: 1, fencingToken: 1, pid: 52 })
})

const withAudit = (): History => ({
  ...createHistory(),
  audit: { actions: [1], refusals: ['r1'], problems: [] },
  refusedRequests: ['r1'],
})
test('A complete audit log has no violation', () => {
  assert.deepEqual(check(withAudit()), [])
})
addBroken('an accepted action has no entry', 'I8', withAudit(), ({ audit }) => audit?.actions.pop())
addBroken('an accepted action has two entries', 'I8', withAudit(), ({ audit }) => audit?.actions.push(1))
addBroken('an entry is about an action that does not exist', 'I8', withAudit(), ({ audit }) =>
  audit?.actions.push(9),
)
addBroken('a refusal has no entry', 'I8', withAudit(), ({ audit }) => audit?.refusals.pop())
addBroken('a refusal has two entries', 'I8', withAudit(), ({ audit }) => audit?.refusals.push('r1'))
addBroken('the chain of the audit log breaks', 'I8', withAudit(), ({ audit }) =>
  audit?.problems.push('seal 3'),
)

for (const [title, invariant, history] of brokenHistories)
  test(`Violation of ${invariant}: ${title}`, () =>
    assert.deepEqual(violatedInvariants(history), [invariant]))

test('Every invariant has a history that violates it', () => {
  assert.deepEqual([...new Set(brokenHistories.map(([, invariant]) => invariant))].sort(), [
    'I1',
    'I2',
    'I3',
    'I4',
    'I5',
    'I6',
    'I8',
  ])
})
