/** The connection is reset just before or just after the COMMIT of a begin, the server lives on: the same key is one action. */

import { crashPoints } from '../faults/crash-points.ts'
import { createDeployments, createKey, waitForActionEnd, waitUntilRunning } from '../faults/operations.ts'
import { countLostAndDuplicated } from '../faults/outcomes.ts'
import { sendUntilAnswered } from '../harness/http-client.ts'
import type { StatementAction } from '../harness/postgres/postgres-proxy.ts'
import type { Scenario } from './scenario.ts'

const lanes = 10

export const connectionReset: Scenario = {
  title: 'connections reset before and after COMMIT',
  servers: 2,
  runners: 2,
  pages: 2,
  async run(cluster, times) {
    const perLane = times(10)
    const names = Array.from({ length: lanes }, (_, at) => `reset-${at}`)
    await createDeployments(cluster, names)
    // A begin is one statement, which PostgreSQL commits by itself: before it is before, its answer is after the commit.
    const waiting = new Map<string, StatementAction>()
    let resets = 0
    const stopIntercepting = cluster.interceptStatements((_, { sql, values }) => {
      const key = values.find((value) => waiting.has(value))
      if (key === undefined || !crashPoints.begin.sql.test(sql)) return 'pass'
      const verdict = waiting.get(key) ?? 'pass'
      waiting.delete(key)
      resets += 1
      return verdict
    })
    const keys = new Set<string>()
    const unkept: string[] = []
    await Promise.all(
      names.map(async (deployment, lane) => {
        for (let count = 0; count < perLane; count += 1) {
          const key = createKey('reset')
          keys.add(key)
          waiting.set(key, (lane + count) % 2 === 0 ? 'cut-before' : 'cut-after')
          const intention = { key, kind: 'update', deployment, behave: 'quick' } as const
          const answer = await sendUntilAnswered(
            cluster.requests,
            cluster.serverUrls,
            cluster.random,
            intention,
          )
          if (answer?.outcome === 'accepted') {
            await waitForActionEnd(cluster, answer.action)
            await waitUntilRunning(cluster, [deployment])
          } else unkept.push(answer?.code ?? 'never answered')
        }
      }),
    )
    stopIntercepting()
    await cluster.waitUntilQuiet()
    const mine = cluster.requests.filter(({ key }) => keys.has(key))
    const again = mine.filter(({ responses }) => responses.length > 1).length
    return {
      rounds: `${keys.size} keys, half of them each way, ${again} sent again by the client`,
      measurements: [],
      counts: [
        { name: 'resets', count: resets, expected: { atLeast: keys.size } },
        { name: `not accepted ${unkept.join(', ')}`.trim(), count: unkept.length, expected: 0 },
        ...(await countLostAndDuplicated(cluster, mine)),
      ],
    }
  },
}
