/** I5: no page goes back to an older state, every page ends where the database is, and no line of output is lost. */
import type { History, Viewer, Violation } from './history.ts'

export function checkClients({ viewers, truth, outputs }: History): Violation[] {
  return [
    ...viewers.flatMap(wentBack),
    ...viewers.flatMap((viewer) => missed(viewer, truth)),
    ...outputs
      .filter(({ stored, printed }) => stored !== printed)
      .map(({ action, stored, printed }) =>
        violation(`action ${action} printed ${shown(printed)}, kept is ${shown(stored)}`),
      ),
  ]
}

function wentBack({ name, shown }: Viewer): Violation[] {
  const latest = new Map<string, number>()
  return shown.flatMap(({ deployment, revision, atMs }) => {
    const before = latest.get(deployment) ?? 0
    latest.set(deployment, Math.max(before, revision))
    if (revision >= before) return []
    return [violation(`${name} showed ${deployment} at revision ${revision} after ${before}, at ${atMs} ms`)]
  })
}

function missed({ name, atTheEnd }: Viewer, truth: Record<string, number>): Violation[] {
  const deployments = new Set([...Object.keys(truth), ...Object.keys(atTheEnd)])
  return [...deployments].flatMap((deployment) => {
    const [shown, is] = [atTheEnd[deployment], truth[deployment]]
    if (shown === is) return []
    return [violation(`${name} shows ${deployment} at revision ${shown ?? 'none'}, it is ${is ?? 'gone'}`)]
  })
}

const shown = (text: string) => JSON.stringify(text.slice(0, 150))
const violation = (words: string): Violation => ({ invariant: 'I5', words })
