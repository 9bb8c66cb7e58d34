/** Handlers of /audit: everybody reads the entries about deployments that they see, and their own; admins read all. */
import { type AuditVisibility, readAuditPage } from '../../db/queries/audit/read-entries.ts'
import { verifyAuditLog as verify } from '../../db/queries/audit/verify.ts'
import { decide, type Permissions, seesAllNames } from '../../domain/access/roles.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'

export const listAuditEntries: EndpointHandler<'listAuditEntries'> = async (
  { db },
  { query, identity: { permissions } },
) => readAuditPage(db, query, visibilityOf(permissions))

/** Only numbers and hashes leave it, so an admin of some names may verify all of it. */
export const verifyAuditLog: EndpointHandler<'verifyAuditLog'> = async ({ db }, { query }) =>
  verify(db, query.after, query.head)

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
