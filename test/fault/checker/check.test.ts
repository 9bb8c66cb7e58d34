/** The checker itself: a good history passes, and each thing that can be wrong in one is flagged, by its own invariant. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { check } from './check.ts'
import {
  emptyHistory,
  type History,
  type Invariant,
  type Row,
  type RowChange,
  type Run,
  type Standing,
  type Write,
} from './history.ts'

const queued: Row = {
  kind: 'update',
  state: 'queued',
  epoch: 0,
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

const stood: Standing = { revision: 6, status: 'Running', action: 1, state: 'succeeded' }

/** One action from acceptance to its end, as it should be. */
function good(): History {
  return {
    ...emptyHistory(),
    runs: [{ atMs: 300, action: 1, attempt: 1, fence: 1, pid: 50, deployment: 'one', alone: true }],
    ends: [{ atMs: 4000, action: 1, fence: 1 }],
    sightings: [{ atMs: 3990, action: 1, fence: 1, pid: 50 }],
    writes: [
      row(50, 'server', null, queued),
      row(100, 'runner-a', queued, claimed),
      row(200, 'runner-a', claimed, running),
      { what: 'output', atMs: 400, by: 'runner-a', action: 1, epoch: 1 },
      row(3000, 'runner-a', running, renewed),
      row(4050, 'runner-a', renewed, succeeded),
    ],
    asked: [
      {
        key: 'key-1',
        deployment: 'one',
        kind: 'update',
        sentMs: 40,
        answers: [
          { atMs: 45, is: 'unknown', code: 'ECONNRESET' },
          { atMs: 60, is: 'accepted', action: 1 },
        ],
      },
    ],
    viewers: [
      {
        name: 'page-1',
        shown: [
          { atMs: 60, deployment: 'one', revision: 5 },
          { atMs: 4060, deployment: 'one', revision: 6 },
        ],
        atTheEnd: { one: stood },
      },
    ],
    truth: { one: stood },
    outputs: [{ action: 1, state: 'succeeded', stored: 'done\n', printed: 'done\n', ended: true }],
    pending: [{ deployment: 'one', status: 'UpdatePending', active: false, overdueMs: -5000 }],
  }
}

/** The runner was lost: the sweeper ends the action and a second attempt follows. */
function swept(): History {
  const history = good()
  const [accepted, taken, started, output] = history.writes as [Write, Write, Write, Write]
  history.writes = [
    accepted,
    taken,
    started,
    output,
    row(20_200, 'runner-b', running, interrupted),
    row(20_201, 'runner-b', null, retry, 2),
    row(20_300, 'runner-b', retry, { ...retry, epoch: 1, leaseEndMs: 40_300 }, 2),
    row(
      20_400,
      'runner-b',
      { ...retry, epoch: 1, leaseEndMs: 40_300 },
      { ...retry, epoch: 1, leaseEndMs: 40_300, state: 'running' },
      2,
    ),
    row(
      20_600,
      'runner-b',
      { ...retry, epoch: 1, leaseEndMs: 40_300, state: 'running' },
      { ...retry, epoch: 1, leaseEndMs: null, state: 'succeeded' },
      2,
    ),
  ]
  history.mayRetry = true
  history.ends.push({ atMs: 20_550, action: 2, fence: 1 })
  history.runs.push({
    atMs: 20_500,
    action: 2,
    attempt: 2,
    fence: 1,
    pid: 51,
    deployment: 'one',
    alone: true,
  })
  return history
}

const cleaning = { ...running, kind: 'cleanup', leaseEndMs: 25_100, reason: 'key-2' }

/** After a good action its deployment is cleaned up: whoever ended the cleanup deletes all rows, its own not as the last. */
function cleaned(): History {
  const history = good()
  const [asked] = [{ ...cleaning, state: 'queued', epoch: 0, leaseEndMs: null }]
  history.writes.push(
    row(5000, 'server', null, asked, 2),
    row(5100, 'runner-b', asked, { ...cleaning, state: 'queued' }, 2),
    row(5200, 'runner-b', { ...cleaning, state: 'queued' }, cleaning, 2),
    row(5400, 'runner-b', cleaning, { ...cleaning, state: 'succeeded', leaseEndMs: null }, 2),
    row(5400, 'runner-b', { ...cleaning, state: 'succeeded', leaseEndMs: null }, null, 2),
    row(5400, 'runner-b', succeeded, null, 1),
  )
  history.runs.push({ atMs: 5300, action: 2, attempt: 1, fence: 1, pid: 70, deployment: 'one', alone: true })
  history.ends.push({ atMs: 5350, action: 2, fence: 1 })
  history.truth = {}
  history.gone = [{ deployment: 'one', revision: 7 }]
  history.pending = []
  for (const { shown, atTheEnd } of history.viewers) {
    shown.push({ atMs: 5450, deployment: 'one', revision: null })
    delete atTheEnd.one
  }
  history.outputs = []
  return history
}

/** An action and its two further attempts, all of them lost. */
function thrice(): History {
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
  return { ...emptyHistory(), mayRetry: true, writes: attempts }
}

const flagged = (history: History) => [...new Set(check(history).map(({ invariant }) => invariant))]

test('good histories pass', () => {
  assert.deepEqual(check(good()), [])
  assert.deepEqual(check(swept()), [])
  assert.deepEqual(check(cleaned()), [])
  assert.deepEqual(check(thrice()), [])
  assert.deepEqual(check(emptyHistory()), [])
})

test('what is cut short is kept as far as it came, and a name may come again', () => {
  const history = cleaned()
  history.outputs = [{ action: 1, state: 'interrupted', stored: 'do', printed: 'done\n', ended: false }]
  // Deleted twice; the page has seen the first time only.
  history.gone = [{ deployment: 'one', revision: 20 }, ...history.gone]
  history.viewers[0]?.shown.push({ atMs: 9000, deployment: 'one', revision: 9 })
  const anew = { ...stood, revision: 9, action: 3 }
  Object.assign(history.viewers[0]?.atTheEnd ?? {}, { one: { ...anew } })
  history.truth = { one: anew }
  assert.deepEqual(check(history), [])
})

test('a process that outlives its lease only as long as the machine stood still is no violation', () => {
  const starved = swept()
  starved.sightings.push({ atMs: 20_340, action: 1, fence: 1, pid: 52 })
  starved.runs[1] = { ...(starved.runs[1] as Run), atMs: 20_500 }
  for (const write of starved.writes)
    if (write.what === 'row' && write.action === 1 && write.after?.state === 'interrupted')
      write.atMs = 20_350
  starved.stalls.push({ atMs: 20_300, lateMs: 400 })
  assert.deepEqual(check(starved), [])
})

const bad: [title: string, invariant: Invariant, history: History][] = []
const spoilt = (title: string, invariant: Invariant, from: History, spoil: (history: History) => void) => {
  const history = structuredClone(from)
  spoil(history)
  bad.push([title, invariant, history])
}

spoilt('a script that did not get the lock of its deployment', 'I1', swept(), ({ runs }) => {
  Object.assign(runs[1] ?? {}, { alone: false })
})
spoilt(
  'a script that was seen alive after the next one had started',
  'I1',
  swept(),
  ({ sightings, writes }) => {
    sightings.push({ atMs: 20_560, action: 1, fence: 1, pid: 52 })
    // Its lease is made long enough, so that only the overlap is wrong.
    for (const write of writes)
      if (write.what === 'row' && write.action === 1 && write.after?.epoch === 1)
        write.after.leaseEndMs = 20_700
    writes[4] = row(20_790, 'runner-b', { ...running, leaseEndMs: 20_700 }, interrupted)
  },
)
spoilt('an action that is still running after the quiet time', 'I2', good(), ({ writes }) => writes.pop())
spoilt('an accepted action that is not in the database', 'I2', good(), ({ asked }) => {
  asked.push({
    key: 'key-2',
    deployment: 'two',
    kind: 'create',
    sentMs: 70,
    answers: [{ atMs: 80, is: 'accepted', action: 99 }],
  })
})
spoilt('a request that was refused and begun all the same', 'I2', good(), ({ asked }) => {
  Object.assign(asked[0] ?? {}, { answers: [{ atMs: 60, is: 'refused', code: 'busy' }] })
})
spoilt('a request whose outcome nobody ever learned', 'I2', good(), ({ asked }) => asked[0]?.answers.pop())
spoilt('a deployment that waits for a check nobody makes', 'I2', good(), ({ pending }) => {
  Object.assign(pending[0] ?? {}, { overdueMs: 20_000 })
})
spoilt('a deployment that waits for a check that never comes', 'I2', good(), ({ pending }) => {
  Object.assign(pending[0] ?? {}, { overdueMs: null })
})
spoilt('a success whose script never ran', 'I2', good(), (history) => {
  Object.assign(history, { runs: [], ends: [], sightings: [] })
})
spoilt('a success whose script never came to its end', 'I2', good(), (history) => {
  history.ends = []
})
spoilt('a success whose script ended under another epoch', 'I2', good(), ({ ends }) => {
  Object.assign(ends[0] ?? {}, { fence: 2 })
})
spoilt('a success on record before its script came to its end', 'I2', good(), (history) => {
  history.sightings = []
  Object.assign(history.ends[0] ?? {}, { atMs: 4100 })
})
spoilt('a cleanup that took all rows along without its script', 'I2', cleaned(), ({ runs }) => runs.pop())
spoilt('a second run of one action', 'I3', good(), ({ runs }) => {
  runs.push({ atMs: 4200, action: 1, attempt: 1, fence: 2, pid: 60, deployment: 'one', alone: true })
})
spoilt('a script of an action without a start on record', 'I3', good(), ({ runs }) => {
  runs.push({ atMs: 4200, action: 9, attempt: 1, fence: 1, pid: 60, deployment: 'nine', alone: true })
})
spoilt('a script that began before its start was committed', 'I3', good(), ({ runs }) => {
  Object.assign(runs[0] ?? {}, { atMs: 150 })
})
spoilt('a script that was told another attempt than is on record', 'I3', swept(), ({ runs }) => {
  Object.assign(runs[1] ?? {}, { attempt: 1 })
})
spoilt('a key that acted twice, as its asker was told', 'I3', good(), ({ asked, writes }) => {
  asked[0]?.answers.push({ atMs: 70, is: 'accepted', action: 2 })
  writes.push(
    row(55, 'server', null, { ...queued, reason: 'another' }, 2),
    row(56, 'server', queued, cancelled, 2),
  )
})
spoilt('a key that acted twice, as only the database tells', 'I3', good(), ({ writes }) => {
  writes.push(row(55, 'server', null, queued, 2), row(56, 'server', queued, cancelled, 2))
})
spoilt('a further attempt of an action that was not interrupted', 'I3', swept(), ({ writes }) => {
  writes[4] = row(20_200, 'runner-a', running, { ...running, state: 'failed', leaseEndMs: null })
})
spoilt('a second attempt that follows an action which has one already', 'I3', swept(), ({ writes }) => {
  writes.push(row(20_700, 'runner-b', null, retry, 3))
  writes.push(row(20_701, 'server', retry, { ...retry, state: 'cancelled' }, 3))
})
spoilt('a second attempt where none may follow', 'I3', swept(), (history) => {
  history.mayRetry = false
})
spoilt('a fourth attempt', 'I3', thrice(), ({ writes }) => {
  const words = 'Retry of action 3, whose runner was lost.'
  const fourth = { ...queued, attempt: 4, reason: words }
  writes.push(row(70_000, 'runner-b', null, fourth, 4))
  writes.push(row(70_001, 'server', fourth, { ...fourth, state: 'cancelled' }, 4))
})
spoilt('a script that was told another fence than is on record', 'I3', swept(), ({ runs, sightings }) => {
  sightings.length = 0
  Object.assign(runs[0] ?? {}, { fence: 2 })
})
spoilt("a request that was told another one's action", 'I3', good(), ({ asked, writes }) => {
  writes.splice(1, 0, row(55, 'server', null, { ...queued, reason: 'key-2' }, 2))
  writes.splice(2, 0, row(56, 'server', { ...queued, reason: 'key-2' }, { ...cancelled, reason: 'key-2' }, 2))
  asked.push({
    key: 'key-3',
    deployment: 'two',
    kind: 'update',
    sentMs: 50,
    answers: [{ atMs: 57, is: 'accepted', action: 2 }],
  })
})
spoilt('an active action that was deleted by another hand', 'I4', good(), ({ writes, outputs }) => {
  writes.pop()
  writes.push(row(4050, 'wrong', renewed, null))
  outputs.length = 0
})
spoilt('an active action that its holder deleted', 'I4', good(), ({ writes }) => {
  writes.pop()
  writes.push(row(4050, 'runner-a', renewed, null))
})
spoilt('what had ended was deleted without a cleanup', 'I4', good(), ({ writes }) => {
  writes.push(row(4100, 'runner-a', succeeded, null))
})
spoilt(
  'what had ended was deleted by another hand than that of the cleanup',
  'I4',
  cleaned(),
  ({ writes }) => {
    Object.assign(writes.at(-1) ?? {}, { by: 'runner-a' })
  },
)
spoilt('a start by another hand', 'I4', good(), ({ writes }) => {
  Object.assign(writes[2] ?? {}, { by: 'wrong' })
})
spoilt('output with an epoch that is over', 'I4', swept(), ({ writes }) => {
  writes.push({ what: 'output', atMs: 20_450, by: 'runner-a', action: 2, epoch: 0 })
})
spoilt('output of an action that has ended', 'I4', swept(), ({ writes }) => {
  writes.push({ what: 'output', atMs: 20_700, by: 'runner-a', action: 1, epoch: 1 })
})
spoilt('an end written by a runner that had lost the action', 'I4', swept(), ({ writes }) => {
  Object.assign(writes[8] ?? {}, { by: 'runner-a' })
})
spoilt('a lease renewed by somebody who does not hold it', 'I4', good(), ({ writes }) => {
  Object.assign(writes[4] ?? {}, { by: 'runner-b' })
})
spoilt('an action taken while its lease was held', 'I4', swept(), ({ writes }) => {
  Object.assign(writes[4] ?? {}, { atMs: 15_000 })
})
spoilt('a change of what had ended', 'I4', good(), ({ writes }) => {
  writes.push(row(4100, 'runner-a', succeeded, { ...succeeded, state: 'failed' }))
})
spoilt('an epoch that goes back', 'I4', good(), ({ writes }) => {
  writes.splice(4, 0, row(2000, 'runner-a', running, { ...running, epoch: 0 }))
})
spoilt('a page that shows an older state after a newer one', 'I5', good(), ({ viewers }) => {
  viewers[0]?.shown.push({ atMs: 4070, deployment: 'one', revision: 5 })
})
spoilt('a page that missed the last change', 'I5', good(), ({ viewers }) => {
  Object.assign(viewers[0]?.atTheEnd ?? {}, { one: { ...stood, revision: 5 } })
})
for (const [what, stale] of Object.entries({
  'the status': { status: 'UpdatePending' },
  'the last action': { action: 0 },
  'the state of the last action': { state: 'running' },
}))
  spoilt(`a page that has the last revision, and not ${what}`, 'I5', good(), ({ viewers }) => {
    Object.assign(viewers[0]?.atTheEnd ?? {}, { one: { ...stood, ...stale } })
  })
spoilt('a page that still shows what is gone', 'I5', good(), (history) => {
  history.truth = {}
})
spoilt('a page that shows again what was gone', 'I5', cleaned(), ({ viewers }) => {
  viewers[0]?.shown.push({ atMs: 5500, deployment: 'one', revision: 6 })
  viewers[0]?.shown.push({ atMs: 5600, deployment: 'one', revision: null })
})
spoilt('a page that takes away what is there', 'I5', good(), ({ viewers }) => {
  viewers[0]?.shown.push({ atMs: 4070, deployment: 'one', revision: null })
  viewers[0]?.shown.push({ atMs: 4080, deployment: 'one', revision: 6 })
})
spoilt('output of an interrupted action that its script never printed', 'I5', good(), ({ outputs }) => {
  outputs.push({ action: 9, state: 'interrupted', stored: 'dong', printed: 'done\n', ended: false })
})
spoilt('output that was lost', 'I5', good(), ({ outputs }) => {
  Object.assign(outputs[0] ?? {}, { stored: '' })
})
spoilt(
  'output of a failed action that was lost, though its script came to its end',
  'I5',
  good(),
  ({ outputs }) => {
    outputs.push({ action: 9, state: 'failed', stored: '', printed: 'done\n', ended: true })
  },
)
spoilt('a process that lives after its lease', 'I6', swept(), ({ sightings }) => {
  sightings.push({ atMs: 20_140, action: 1, fence: 1, pid: 52 })
})
spoilt('a process that lives after its action has ended', 'I6', good(), ({ sightings }) => {
  sightings.push({ atMs: 4090, action: 1, fence: 1, pid: 52 })
})

for (const [title, invariant, history] of bad)
  test(`${invariant} is flagged: ${title}`, () => assert.deepEqual(flagged(history), [invariant]))

test('every invariant has a history that breaks it', () => {
  assert.deepEqual([...new Set(bad.map(([, invariant]) => invariant))].sort(), [
    'I1',
    'I2',
    'I3',
    'I4',
    'I5',
    'I6',
  ])
})
