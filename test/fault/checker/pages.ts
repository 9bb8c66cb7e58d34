/**
 * I5: no page returns to an older state or to a deleted deployment, every page ends with the state of the
 * database, and no line of output is lost.
 */
import type { Deletion, DeploymentSnapshot, History, PageRecord, StoredOutput, Violation } from './history.ts'

export function checkPages({ pages, deployments, deletions, outputs }: History): Violation[] {
  return [
    ...pages.flatMap((page) => findRegressions(page, deletions)),
    ...pages.flatMap((page) => findMissedChanges(page, deployments)),
    ...outputs
      .filter((output) => !isComplete(output))
      .map(({ action, state, stored, printed }) =>
        violation(`action ${action} (${state}) printed ${quote(printed)}, stored is ${quote(stored)}`),
      ),
  ]
}

/** The last lines may be missing when the script did not reach its end or the runner did not wait for it. */
function isComplete({ state, stored, printed, scriptEnded }: StoredOutput): boolean {
  const mustBeWhole = state === 'succeeded' || (state === 'failed' && scriptEnded)
  return mustBeWhole ? stored === printed : printed.startsWith(stored)
}

function findRegressions({ name, shownRevisions }: PageRecord, deletions: readonly Deletion[]): Violation[] {
  // After a deletion only a new deployment of the same name may appear; its revision is higher.
  const latest = new Map<string, { revision: number; deleted: boolean }>()
  return shownRevisions.flatMap(({ deployment, revision, atMs }) => {
    const before = latest.get(deployment) ?? { revision: 0, deleted: false }
    if (revision === null) {
      // A name can be created and deleted several times: the first deletion that fits counts.
      const candidates = deletions
        .filter((one) => one.deployment === deployment && one.revision >= before.revision)
        .map((one) => one.revision)
      const deleted = candidates.length > 0
      latest.set(deployment, { revision: deleted ? Math.min(...candidates) : before.revision, deleted })
      if (deleted) return []
      return [violation(`${name} removed ${deployment} at ${atMs} ms, but it was not deleted`)]
    }
    latest.set(deployment, { revision: Math.max(before.revision, revision), deleted: false })
    if (before.deleted ? revision > before.revision : revision >= before.revision) return []
    const previous = before.deleted ? `its deletion at ${before.revision}` : `${before.revision}`
    return [
      violation(`${name} showed ${deployment} at revision ${revision} after ${previous}, at ${atMs} ms`),
    ]
  })
}

function findMissedChanges(
  { name, finalState }: PageRecord,
  deployments: Record<string, DeploymentSnapshot>,
): Violation[] {
  const names = new Set([...Object.keys(deployments), ...Object.keys(finalState)])
  return [...names].flatMap((deployment) => {
    const shown = describeSnapshot(finalState[deployment])
    const actual = describeSnapshot(deployments[deployment])
    if (shown === actual) return []
    return [violation(`${name} shows ${deployment} as ${shown}, it is ${actual}`)]
  })
}

function describeSnapshot(snapshot: DeploymentSnapshot | undefined): string {
  if (snapshot === undefined) return 'deleted'
  const { revision, status, action, state } = snapshot
  return `${status} at revision ${revision}, action ${action} ${state}`
}

const quote = (text: string) => JSON.stringify(text.slice(0, 150))
const violation = (message: string): Violation => ({ invariant: 'I5', message })
