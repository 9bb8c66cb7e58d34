/**
 * Requests that reach PostgreSQL late: after the client got 503 and gave up or was refused elsewhere, and after a
 * refusal of the same request while its time is not over yet. None may act.
 */
import { arriveAfterRefusal, type LateRequest, thawAfterRefusal } from '../faults/late-requests.ts'
import { createDeployments } from '../faults/operations.ts'
import type { Cluster } from '../harness/cluster.ts'
import type { Scenario } from './scenario.ts'

const stories = {
  'refused-': (cluster, name) => thawAfterRefusal(cluster, name, true),
  'given-up-': (cluster, name) => thawAfterRefusal(cluster, name, false),
  'overtaken-': arriveAfterRefusal,
} satisfies Record<string, (cluster: Cluster, name: string) => Promise<LateRequest>>

export const lateRequests: Scenario = {
  title: 'requests that reach PostgreSQL late',
  servers: 2,
  runners: 2,
  pages: 2,
  async run(cluster, scale) {
    const perStory = scale(5)
    const lanes = Object.entries(stories).flatMap(([prefix, story]) =>
      Array.from({ length: perStory }, (_, at) => ({ name: `${prefix}${at}`, story })),
    )
    await createDeployments(
      cluster,
      lanes.map(({ name }) => name),
    )
    const results: LateRequest[] = []
    // One after the other: a held statement holds a connection of its server.
    for (const { name, story } of lanes) results.push(await story(cluster, name))
    await cluster.waitUntilQuiet()
    const refused = results.filter(({ repeated }) => repeated?.outcome === 'rejected').length
    const acted = results.filter(
      ({ late }) => late.errorCode === null && late.values[0] === 'enqueued',
    ).length
    return {
      rounds: `${perStory} of each of ${Object.keys(stories).length}`,
      measurements: [],
      counts: [
        { name: 'refused by the other server', count: refused, expected: { atLeast: 2 * perStory } },
        { name: 'acted late', count: acted, expected: 0 },
      ],
    }
  },
}
