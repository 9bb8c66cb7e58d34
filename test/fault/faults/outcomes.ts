/** Counts the outcomes of repeated requests: each key must create exactly one action, and that action must end. */
import { isActive, type RecordedRequest, type RowChange } from '../checker/history.ts'
import type { Cluster } from '../harness/cluster.ts'
import type { Count } from '../scenarios/scenario.ts'

/** Lost: accepted and never ended. Duplicated: more than one action of a key. Call it when the cluster is quiet. */
export async function countLostAndDuplicated(
  cluster: Cluster,
  requests: readonly RecordedRequest[],
): Promise<Count[]> {
  const rows = (await cluster.journal.writes()).filter((write) => write.type === 'row')
  const ended = new Set(rows.filter(isEnd).map(({ action }) => action))
  const createdByKey = Map.groupBy(
    rows.filter(({ before }) => before === null),
    ({ after }) => after?.reason ?? '',
  )
  const keys = new Set(requests.map(({ key }) => key))
  const lost = requests.filter(({ responses }) =>
    responses.some((one) => one.outcome === 'accepted' && !ended.has(one.action)),
  )
  const duplicated = [...keys].filter((key) => (createdByKey.get(key)?.length ?? 0) > 1)
  return [
    { name: 'lost', count: lost.length, expected: 0 },
    { name: 'duplicated', count: duplicated.length, expected: 0 },
  ]
}

const isEnd = ({ after }: RowChange) => after === null || !isActive(after.state)
