/**
 * Resets the connection just before or just after the commit that enqueues an action. The server keeps
 * running; each key must be one action.
 */

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
  async run(cluster, scale) {
    const perLane = scale(10)
    const names = Array.from({ length: lanes }, (_, at) => `reset-${at}`)
    await createDeployments(cluster, names)
    // An action is enqueued with one statement that commits itself, so its response comes after the commit.
    const resetByKey = new Map<string, StatementAction>()
    let resets = 0
    const stopIntercepting = cluster.interceptStatements((_, { sql, values }) => {
      const key = values.find((value) => resetByKey.has(value))
      if (key === undefined || !crashPoints.enqueue.sql.test(sql)) return 'pass'
      const action = resetByKey.get(key) ?? 'pass'
      resetByKey.delete(key)
      resets += 1
      return action
    })
    const keys = new Set<string>()
    const notAccepted: string[] = []
    await Promise.all(
      names.map(async (deployment, lane) => {
        for (let count = 0; count < perLane; count += 1) {
          const key = createKey('reset')
          keys.add(key)
          resetByKey.set(key, (lane + count) % 2 === 0 ? 'reset-before' : 'reset-after')
          const request = { key, kind: 'update', deployment, behaviour: 'quick' } as const
          const response = await sendUntilAnswered(
            cluster.requests,
            cluster.serverUrls,
            cluster.random,
            request,
          )
          if (response?.outcome === 'accepted') {
            await waitForActionEnd(cluster, response.action)
            await waitUntilRunning(cluster, [deployment])
          } else notAccepted.push(response?.code ?? 'no response')
        }
      }),
    )
    stopIntercepting()
    await cluster.waitUntilQuiet()
    const requests = cluster.requests.filter(({ key }) => keys.has(key))
    const repeated = requests.filter(({ responses }) => responses.length > 1).length
    return {
      rounds: `${keys.size} keys, half reset before and half after, ${repeated} repeated by the client`,
      measurements: [],
      counts: [
        { name: 'resets', count: resets, expected: { atLeast: keys.size } },
        { name: `not accepted ${notAccepted.join(', ')}`.trim(), count: notAccepted.length, expected: 0 },
        ...(await countLostAndDuplicated(cluster, requests)),
      ],
    }
  },
}
