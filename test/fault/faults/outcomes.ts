/** What became of intentions that were sent again and again: each must be one action, and that must end. */
import { isActive, type RecordedRequest, type RowChange } from '../checker/history.ts'
import type { Cluster } from '../harness/cluster.ts'
import type { Count } from '../scenarios/scenario.ts'

/** Lost: accepted, and never ended. Doubled: more than one action of a key. Only once all is quiet. */
export async function countLostAndDuplicated(
  cluster: Cluster,
  asked: readonly RecordedRequest[],
): Promise<Count[]> {
  const rows = (await cluster.journal.writes()).filter((write) => write.type === 'row')
  const ended = new Set(rows.filter(isEnd).map(({ action }) => action))
  const begunFor = Map.groupBy(
    rows.filter(({ before }) => before === null),
    ({ after }) => after?.reason ?? '',
  )
  const keys = new Set(asked.map(({ key }) => key))
  const lost = asked.filter(({ responses }) =>
    responses.some((one) => one.outcome === 'accepted' && !ended.has(one.action)),
  )
  const doubled = [...keys].filter((key) => (begunFor.get(key)?.length ?? 0) > 1)
  return [
    { name: 'lost', count: lost.length, expected: 0 },
    { name: 'doubled', count: doubled.length, expected: 0 },
  ]
}

const isEnd = ({ after }: RowChange) => after === null || !isActive(after.state)
