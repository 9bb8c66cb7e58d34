/** I5: no page goes back to an older state or to what is gone, every page ends where the database is, no line of output is lost. */
import type { Deletion, DeploymentSnapshot, History, PageRecord, StoredOutput, Violation } from './history.ts'

export function checkPages({ pages, deployments, deletions, outputs }: History): Violation[] {
  return [
    ...pages.flatMap((viewer) => findRegressions(viewer, deletions)),
    ...pages.flatMap((viewer) => findMissedChanges(viewer, deployments)),
    ...outputs
      .filter((kept) => !isComplete(kept))
      .map(({ action, state, stored, printed }) =>
        violation(`action ${action} (${state}) printed ${quote(printed)}, kept is ${quote(stored)}`),
      ),
  ]
}

/** The last words may be missing of a script that did not come to its end, and where it was not waited for. */
function isComplete({ state, stored, printed, ended }: StoredOutput): boolean {
  const whole = state === 'succeeded' || (state === 'failed' && ended)
  return whole ? stored === printed : printed.startsWith(stored)
}

function findRegressions({ name, shown }: PageRecord, gone: readonly Deletion[]): Violation[] {
  // Once it is gone nothing of it may come again: only what was made anew, which is newer than the deletion.
  const latest = new Map<string, { revision: number; gone: boolean }>()
  return shown.flatMap(({ deployment, revision, atMs }) => {
    const before = latest.get(deployment) ?? { revision: 0, gone: false }
    if (revision === null) {
      // The first of those it may have been: a name is made and deleted again and again.
      const deletions = gone.filter((one) => one.deployment === deployment && one.revision >= before.revision)
      const isGone = deletions.length > 0
      const at = isGone ? Math.min(...deletions.map((one) => one.revision)) : before.revision
      latest.set(deployment, { revision: at, gone: isGone })
      if (isGone) return []
      return [violation(`${name} took ${deployment} away at ${atMs} ms, which was not deleted`)]
    }
    latest.set(deployment, { revision: Math.max(before.revision, revision), gone: false })
    if (before.gone ? revision > before.revision : revision >= before.revision) return []
    const words = before.gone ? `was gone at ${before.revision}` : `${before.revision}`
    return [violation(`${name} showed ${deployment} at revision ${revision} after ${words}, at ${atMs} ms`)]
  })
}

function findMissedChanges(
  { name, finalState }: PageRecord,
  truth: Record<string, DeploymentSnapshot>,
): Violation[] {
  const deployments = new Set([...Object.keys(truth), ...Object.keys(finalState)])
  return [...deployments].flatMap((deployment) => {
    const [shown, is] = [describeSnapshot(finalState[deployment]), describeSnapshot(truth[deployment])]
    if (shown === is) return []
    return [violation(`${name} shows ${deployment} as ${shown}, it is ${is}`)]
  })
}

function describeSnapshot(standing: DeploymentSnapshot | undefined): string {
  if (standing === undefined) return 'gone'
  const { revision, status, action, state } = standing
  return `${status} at revision ${revision}, action ${action} ${state}`
}

const quote = (text: string) => JSON.stringify(text.slice(0, 150))
const violation = (words: string): Violation => ({ invariant: 'I5', message: words })
