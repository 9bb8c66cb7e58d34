/**
 * People sign in, act, and sign out or are signed out by an admin or by a lost group, while servers are killed, frozen and
 * restarted, datastores fail, and the identity provider is stopped or slow.
 */

import type { RecordedSession } from '../../checker/history.ts'
import { runSessionFaults, type SessionFault } from '../../faults/session-faults.ts'
import type { Scenario } from '../scenario.ts'

const faults: SessionFault[] = [
  { kind: 'server killed' },
  { kind: 'server frozen', forMs: 8000 },
  { kind: 'server restarted' },
  { kind: 'Redis flushed' },
  { kind: 'Redis stopped', forMs: 35_000 },
  { kind: 'server killed' },
  { kind: 'Redis frozen', forMs: 15_000 },
  { kind: 'PostgreSQL killed' },
  { kind: 'server frozen', forMs: 25_000 },
  { kind: 'PostgreSQL stopped', forMs: 10_000 },
  { kind: 'provider stopped', forMs: 15_000 },
  { kind: 'provider slow', forMs: 15_000 },
]
const faultsOfGroups: SessionFault[] = [
  { kind: 'server restarted' },
  { kind: 'provider slow', forMs: 8000 },
  { kind: 'server frozen', forMs: 8000 },
  { kind: 'provider stopped', forMs: 8000 },
]

export const sessions: Scenario = {
  title: 'sign-ins and revocations while servers, datastores and the provider fail',
  servers: 0,
  runners: 1,
  pages: 0,
  async run(cluster, scale) {
    const rounds = scale(1)
    const repeat = <T>(all: readonly T[]) => Array.from({ length: rounds }, () => all).flat()
    const first = await runSessionFaults(cluster, {
      people: 8,
      useMs: 2000,
      tryMs: 36_000,
      pauseMs: 5000,
      faults: repeat(faults),
    })
    for (const server of cluster.servers()) await server.stop()
    const second = await runSessionFaults(cluster, {
      people: 6,
      useMs: 2000,
      tryMs: 8000,
      pauseMs: 4000,
      faults: repeat(faultsOfGroups),
      losesGroup: true,
    })
    const signIns = [...first.signIns, ...second.signIns]
    const timesOf = (outcome: string) =>
      signIns.filter((one) => one.outcome === outcome).map(({ tookMs }) => tookMs)
    const ended = cluster.sessions.filter(({ endedMs }) => endedMs !== null)
    const answers = cluster.sessions.flatMap((session) => session.answers)
    return {
      rounds: `${rounds} of ${faults.length + faultsOfGroups.length} faults, ${cluster.sessions.length} sessions, ${answers.length} answers`,
      measurements: [
        { name: 'signed in', budgetMs: null, timesMs: timesOf('signed in') },
        {
          name: 'sign-in that says that the provider does not answer',
          budgetMs: 5500,
          timesMs: timesOf('unreachable'),
        },
        {
          name: 'last acceptance after the answer about the end',
          budgetMs: null,
          timesMs: ended.map(lastAcceptedMs),
        },
        { name: 'websocket closed after the end', budgetMs: null, timesMs: ended.flatMap(closedAfterMs) },
        { name: 'lost group until the session has ended', budgetMs: null, timesMs: second.lostGroupMs },
      ],
      counts: [
        {
          name: 'sessions that ended with an answer',
          count: ended.length,
          expected: { atLeast: 20 * rounds },
        },
        {
          name: 'sign-ins while the provider does not answer',
          count: timesOf('unreachable').length,
          expected: { atLeast: 1 },
        },
      ],
    }
  },
}

const lastAcceptedMs = ({ endedMs, answers }: RecordedSession) =>
  Math.max(
    0,
    ...answers.flatMap(({ outcome, sentMs }) => (outcome === 'accepted' ? [sentMs - (endedMs ?? 0)] : [])),
  )

const closedAfterMs = ({ endedMs, sockets }: RecordedSession) =>
  sockets.flatMap(({ closedMs }) => (closedMs === null ? [] : [Math.max(0, closedMs - (endedMs ?? 0))]))
