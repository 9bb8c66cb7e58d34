/** Handlers of /audit: everybody reads the entries about deployments that they see, and their own; admins read all. */
import { type AuditVisibility, readAuditPage } from '../../db/queries/audit/read-entries.ts'
import { verifyAuditLog as verify } from '../../db/queries/audit/verify.ts'
import { decide, type Permissions, seesAllNames } from '../../domain/access/roles.ts'
import type { AuditEntry } from '../../domain/audit/audit-schemas.ts'
import { maskSecretChanges } from '../../domain/audit/config-changes.ts'
import type { Identity } from '../auth/identity.ts'
import { viewOf } from '../auth/view.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'
import type { Secrets } from '../secrets/secrets.ts'

export const listAuditEntries: EndpointHandler<'listAuditEntries'> = async (
  { db, secrets },
  { query, identity },
) => {
  const page = await readAuditPage(db, query, visibilityOf(identity.permissions))
  return { ...page, entries: page.entries.map(createEntryHider(secrets, identity)) }
}

/** Only numbers and hashes leave it, so an admin of some names may verify all of it. */
export const verifyAuditLog: EndpointHandler<'verifyAuditLog'> = async ({ db }, { query }) =>
  verify(db, query.after, query.head)

/** Masks the values of keys that are secret now, for a caller without the right see_secrets. */
export function createEntryHider(
  { keyPattern }: Pick<Secrets, 'keyPattern'>,
  identity: Pick<Identity, 'permissions'>,
): (entry: AuditEntry) => AuditEntry {
  const view = viewOf(identity)
  return (entry) => {
    const { deployment, details } = entry
    if (details.changes === undefined || view.seesSecrets(deployment ?? '')) return entry
    return { ...entry, details: { ...details, changes: maskSecretChanges(details.changes, keyPattern()) } }
  }
}

export function visibilityOf(permissions: Permissions): AuditVisibility {
  const { grants, person } = permissions
  return { grants: seesAllNames(grants) ? null : grants, seesAccessLog: seesAccessLog(permissions), person }
}

/** Sign-ins and addresses belong to no name: an admin of some names does not see them. */
const seesAccessLog = (permissions: Permissions): boolean =>
  permissions.grants.some(
    (grant) =>
      seesAllNames([grant]) && decide({ ...permissions, grants: [grant] }, 'read_access_log').isAllowed,
  )
