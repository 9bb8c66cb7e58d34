/** The check of sessions accepts correct histories and reports each violation. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyHistory, type History, type RecordedSession } from './history.ts'
import { checkSessions } from './sessions.ts'

/** Ended at 2,000. */
function historyOf(change: (session: RecordedSession, history: History) => void): History {
  const session: RecordedSession = {
    person: 'ann',
    startedMs: 1000,
    endAskedMs: 1990,
    endedMs: 2000,
    mayEnd: false,
    answers: [
      { sentMs: 1100, atMs: 1110, server: 'a', outcome: 'accepted', who: 'ann' },
      { sentMs: 1500, atMs: 1510, server: 'b', outcome: 'unknown' },
      { sentMs: 2900, atMs: 2910, server: 'b', outcome: 'accepted', who: 'ann' },
      { sentMs: 3100, atMs: 3110, server: 'b', outcome: 'ended' },
    ],
    sockets: [{ server: 'b', openedMs: 1100, closedMs: 2900, leftMs: null }],
  }
  const history = { ...emptyHistory(), sessions: [session] }
  change(session, history)
  return history
}

const messages = (change: Parameters<typeof historyOf>[0]) =>
  checkSessions(historyOf(change)).map(({ invariant, message }) => `${invariant} ${message}`)

const late = (sentMs: number) => ({
  sentMs,
  atMs: sentMs + 10,
  server: 'b',
  outcome: 'accepted' as const,
  who: 'ann',
})

test('A session that counts for its person until its end has no violation', () => {
  assert.deepEqual(
    messages(() => {}),
    [],
  )
})

test('Without announcements, and without an answer about the end, a server may need 30 s', () => {
  assert.deepEqual(
    messages((session, history) => {
      session.answers.push(late(31_000))
      history.redisOutages.push({ fromMs: 1900, untilMs: 2100 })
    }),
    [],
  )
  assert.deepEqual(
    messages((session) => {
      session.endedMs = null
      session.answers.push(late(33_000))
    }),
    [],
  )
})

test('A frozen server closes its websockets afterwards', () => {
  assert.deepEqual(
    messages((session, history) => {
      session.sockets.push({ server: 'a', openedMs: 1100, closedMs: 21_000, leftMs: null })
      history.freezes.push({ server: 'a', fromMs: 1500, untilMs: 20_000 })
    }),
    [],
  )
})

test('Every violation is reported', () => {
  const cases: [RegExp, Parameters<typeof historyOf>[0]][] = [
    [
      /^I7 b accepted the session of ann 1500 ms after its end/,
      (session) => session.answers.push(late(3500)),
    ],
    [
      /^I7 b accepted the session of ann 31000 ms after its end/,
      (session, history) => {
        session.answers.push(late(33_000))
        history.redisOutages.push({ fromMs: 1900, untilMs: 2100 })
      },
    ],
    [
      /^I7 a took ann for nobody/,
      (session) =>
        session.answers.push({ sentMs: 1200, atMs: 1210, server: 'a', outcome: 'accepted', who: null }),
    ],
    [
      /^I7 a took ann for ben/,
      (session) =>
        session.answers.push({ sentMs: 1200, atMs: 1210, server: 'a', outcome: 'accepted', who: 'ben' }),
    ],
    [
      /^I7 a did not know the session of ann/,
      (session) => session.answers.push({ sentMs: 1200, atMs: 1210, server: 'a', outcome: 'ended' }),
    ],
    [
      /^I7 a kept a websocket of the session of ann/,
      (session) => session.sockets.push({ server: 'a', openedMs: 1100, closedMs: null, leftMs: 9000 }),
    ],
    [
      /^I7 action 7 that ann has asked for is stored for ben/,
      (_, history) => history.actionsOfPeople.push({ action: 7, asked: 'ann', stored: 'ben', proof: 'oidc' }),
    ],
    [
      /^I7 action 7 that ann has asked for is stored for null \(anonymous\)/,
      (_, history) =>
        history.actionsOfPeople.push({ action: 7, asked: 'ann', stored: null, proof: 'anonymous' }),
    ],
  ]
  for (const [expected, change] of cases) {
    const found = messages(change)
    assert.equal(found.length, 1, String(expected))
    assert.match(found[0] ?? '', expected)
  }
})
