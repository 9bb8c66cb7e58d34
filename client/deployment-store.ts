/**
 * All deployments that a client knows. An older revision in an event never replaces a newer one, and late events do not restore a
 * deleted deployment. A list is never older than its request, so it replaces everything that was known before the request: after a
 * failover that lost the last transactions, revisions go back. Used by web/live/deployment-store.ts and
 * octo/actions/watch-deployments.ts.
 */
import type { ChangeEvent } from '../domain/event.ts'
import type { FullInfo } from '../domain/schemas.ts'

export type DeploymentStore = {
  rows: ReadonlyMap<string, FullInfo>
  /** Returns whether the row has changed. */
  apply(event: ChangeEvent): boolean
  /** A token for `upsertMany` and `removeMissing`, taken before the list is requested. */
  snapshotToken(): number
  /**
   * Adds or updates rows of a list response. A row that an event changed after the token was taken keeps the newer revision. Returns
   * the rows that have changed.
   */
  upsertMany(part: readonly FullInfo[], token: number): FullInfo[]
  /**
   * Removes rows that are not in the complete list `names`, except rows that an event changed after the token was taken. Returns the
   * removed rows.
   */
  removeMissing(names: ReadonlySet<string>, token: number): FullInfo[]
}

/** For a row that is missing in a list, the revision of the deletion is unknown: that of the last known state. */
type Deleted = { revision: number; created_at?: string; changedAt: number }

export function createDeploymentStore(): DeploymentStore {
  const rows = new Map<string, FullInfo>()
  /** The number of the last event about a row, or of the last event before the row was added. */
  const changedAt = new Map<string, number>()
  const deleted = new Map<string, Deleted>()
  let changeCounter = 0

  const add = (deployment: FullInfo): true => {
    const { name } = deployment.deployment
    rows.set(name, deployment)
    changedAt.set(name, changeCounter)
    return true
  }

  const applyEvent = (deployment: FullInfo): boolean => {
    const { name } = deployment.deployment
    const was = deleted.get(name)
    if (was && (deployment.revision <= was.revision || deployment.created_at === was.created_at)) return false
    const known = rows.get(name)
    if (known === undefined) return add(deployment)
    changedAt.set(name, changeCounter)
    if (deployment.revision <= known.revision) return false
    rows.set(name, deployment)
    return true
  }

  const applyListed = (deployment: FullInfo, token: number): boolean => {
    const { name } = deployment.deployment
    const known = rows.get(name)
    if (known === undefined) {
      const was = deleted.get(name)
      if (was && was.changedAt > token) return applyEvent(deployment)
      deleted.delete(name)
      return add(deployment)
    }
    const { revision, updated_at } = known
    if (deployment.revision === revision && deployment.updated_at === updated_at) return false
    if (deployment.revision <= revision && (changedAt.get(name) ?? 0) > token) return false
    rows.set(name, deployment)
    return true
  }

  const remove = (name: string, revision: number): boolean => {
    const was = rows.get(name) ?? deleted.get(name)
    if (was && revision < was.revision) return false
    deleted.set(name, { revision, changedAt: changeCounter, ...(was && { created_at: was.created_at }) })
    changedAt.delete(name)
    return rows.delete(name)
  }

  return {
    rows,
    apply: (event) => {
      changeCounter += 1
      return event.type === 'deleted' ? remove(event.name, event.revision) : applyEvent(event.deployment)
    },
    snapshotToken: () => changeCounter,
    upsertMany: (part, token) => part.filter((deployment) => applyListed(deployment, token)),
    removeMissing: (names, token) =>
      [...rows.values()].filter(
        ({ deployment: { name }, revision }) =>
          !names.has(name) && (changedAt.get(name) ?? 0) <= token && remove(name, revision),
      ),
  }
}
