/** Whether a caller may read an action: by the deployment that it belongs to. Called by the handlers of this folder. */
import { findActionTarget } from '../../db/queries/access/owners.ts'
import { decide, type Right, seesAllNames } from '../../domain/access/roles.ts'
import { noSuchAction } from '../../domain/errors.ts'
import type { Identity } from '../auth/identity.ts'
import { requireRight } from '../auth/require-right.ts'
import type { Services } from '../services.ts'

/** Throws no_such_action for an action of a deployment that the caller does not see, forbidden for a missing right. */
export async function requireActionRight(
  { db, settings }: Pick<Services, 'db' | 'settings'>,
  identity: Identity,
  right: Extract<Right, 'read' | 'read_output'>,
  actionId: number,
): Promise<void> {
  const { permissions } = identity
  // Most callers see all names with one role: the middleware has decided.
  if (permissions.grants.length === 1 && seesAllNames(permissions.grants)) return
  const target = await findActionTarget(db, actionId)
  if (target === null) throw noSuchAction(actionId)
  if (!decide(permissions, 'read', { name: target.name }).isAllowed)
    throw noSuchAction(actionId, { operation: right, deployment: target.name, actionId })
  requireRight(settings, identity, right, { name: target.name })
}
