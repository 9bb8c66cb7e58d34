/** I7: a session counts for its person alone, from its start, and not after its end. */
import type { History, Outage, RecordedSession, Violation } from './history.ts'

/** How long a server may accept a session that has ended: with announcements, and without. */
export const endedWithinMs = { withRedis: 1000, withoutRedis: 30_000 }

export function checkSessions(history: History): Violation[] {
  const messages = [
    ...history.sessions.flatMap((session) => [
      ...checkAnswers(session),
      ...checkEnd(history, session),
      ...checkSockets(history, session),
    ]),
    ...history.actionsOfPeople
      .filter(({ asked, stored, proof }) => stored !== asked || proof !== 'oidc')
      .map(
        ({ action, asked, stored, proof }) =>
          `action ${action} that ${asked} has asked for is stored for ${stored} (${proof})`,
      ),
  ]
  return messages.map((message) => ({ invariant: 'I7', message }))
}

function checkAnswers({ person, answers, endAskedMs, mayEnd }: RecordedSession): string[] {
  return answers.flatMap(({ sentMs, atMs, server, outcome, who }) => {
    if (outcome === 'accepted' && who !== person)
      return [`${server} took ${person} for ${who ?? 'nobody'} at ${atMs}`]
    if (outcome === 'ended' && !mayEnd && (endAskedMs === null || atMs < endAskedMs))
      return [`${server} did not know the session of ${person} at ${sentMs}, and nobody had ended it`]
    return []
  })
}

/**
 * An answer about the end promises that no server accepts the session later. Without such an answer, the first server that does
 * not know it any more counts, and others may need as long as without announcements.
 */
function endOf({ endedMs, answers }: RecordedSession): { atMs: number; isPromised: boolean } | null {
  if (endedMs !== null) return { atMs: endedMs, isPromised: true }
  const firstEnded = Math.min(...answers.flatMap(({ outcome, atMs }) => (outcome === 'ended' ? [atMs] : [])))
  return Number.isFinite(firstEnded) ? { atMs: firstEnded, isPromised: false } : null
}

/** Without announcements, also when the end was not promised, another server needs longer. */
function boundMs(history: History, { atMs, isPromised }: { atMs: number; isPromised: boolean }): number {
  const { withRedis, withoutRedis } = endedWithinMs
  return isPromised && !overlaps(history.redisOutages, atMs, atMs + withRedis) ? withRedis : withoutRedis
}

function checkEnd(history: History, session: RecordedSession): string[] {
  const end = endOf(session)
  if (end === null) return []
  const allowedMs = boundMs(history, end)
  return session.answers
    .filter(({ sentMs, outcome }) => outcome === 'accepted' && sentMs > end.atMs + allowedMs)
    .map(
      ({ sentMs, server }) =>
        `${server} accepted the session of ${session.person} ${sentMs - end.atMs} ms after its end, allowed are ${allowedMs} ms`,
    )
}

/** What a busy machine may need beyond the bound. */
const closeMs = 5000

/** A frozen server closes nothing; afterwards it has the same time. */
function checkSockets(history: History, session: RecordedSession): string[] {
  const end = endOf(session)
  if (end === null) return []
  const allowedMs = boundMs(history, end) + closeMs
  return session.sockets.flatMap(({ server, openedMs, closedMs, leftMs }) => {
    const fromMs = Math.max(end.atMs, openedMs)
    const thawedMs = history.freezes
      .filter((freeze) => freeze.server === server && overlaps([freeze], fromMs, fromMs + allowedMs))
      .map(({ untilMs }) => untilMs)
    const untilMs = Math.max(fromMs, ...thawedMs) + allowedMs
    const openUntilMs = closedMs ?? leftMs ?? Number.POSITIVE_INFINITY
    return openUntilMs > untilMs
      ? [
          `${server} kept a websocket of the session of ${session.person} open for ${openUntilMs - end.atMs} ms after its end, allowed are ${untilMs - end.atMs} ms`,
        ]
      : []
  })
}

const overlaps = (outages: readonly Outage[], fromMs: number, untilMs: number): boolean =>
  outages.some((outage) => outage.fromMs <= untilMs && outage.untilMs >= fromMs)
