/**
 * Who may do what, written down once more by hand: the tests compare the server with this table and use nothing of
 * domain/access. A new endpoint needs a row here.
 */
import type { EndpointName } from '../../../domain/api-schema.ts'

export const roleNames = ['viewer', 'developer', 'operator', 'admin'] as const
export type RoleName = (typeof roleNames)[number]

type Cell = 'none' | 'own' | 'own_and_unowned' | 'all'

/** The table of roles in docs/api.md. */
export const rightsTable = {
  read: { viewer: 'all', developer: 'all', operator: 'all', admin: 'all' },
  read_output: { viewer: 'none', developer: 'all', operator: 'all', admin: 'all' },
  create: { viewer: 'none', developer: 'all', operator: 'all', admin: 'all' },
  change: { viewer: 'none', developer: 'own_and_unowned', operator: 'all', admin: 'all' },
  take_over: { viewer: 'none', developer: 'own', operator: 'all', admin: 'all' },
  operate: { viewer: 'none', developer: 'none', operator: 'all', admin: 'all' },
  administer: { viewer: 'none', developer: 'none', operator: 'none', admin: 'all' },
} as const satisfies Record<string, Record<RoleName, Cell>>

export type TableRow = keyof typeof rightsTable

/** `open`: everyone. `known`: everyone who is signed in, also without a role; anonymous callers need a role. */
export const rowOfEndpoint: Record<
  EndpointName,
  | TableRow
  | 'open'
  | 'known'
  | 'operate_all'
  | 'administer_all'
  | 'end_session'
  | 'revoke_token'
  | 'device_login'
> = {
  listDeployments: 'read',
  listDeploymentNames: 'read',
  createDeployment: 'create',
  updateDeployment: 'change',
  archiveDeployment: 'change',
  rollbackDeployment: 'change',
  // And `read` for the deployment that is cloned.
  cloneDeployment: 'create',
  restoreDeployment: 'change',
  cleanupDeployment: 'take_over',
  stopWaiting: 'change',
  deleteDeployment: 'administer',
  getFullInfo: 'read',
  getInfo: 'read',
  getStatus: 'read',
  streamAppLogs: 'read_output',
  listActions: 'read',
  getAction: 'read',
  cancelAction: 'change',
  getOutput: 'read_output',
  streamOutput: 'read_output',
  getLog: 'read_output',
  getDeploymentConfig: 'read',
  getDeploymentKeys: 'read',
  getApplicationConfig: 'read',
  getApplicationKeys: 'read',
  ping: 'open',
  getProjectName: 'read',
  whoami: 'known',
  setOwner: 'take_over',
  changeLabels: 'change',
  changeMany: 'read',
  listSessions: 'known',
  endSession: 'end_session',
  listTokens: 'known',
  createToken: 'known',
  revokeToken: 'revoke_token',
  getDeviceLogin: 'device_login',
  decideDeviceLogin: 'device_login',
  exchangeToken: 'open',
  getPolicy: 'administer',
  explainPolicy: 'known',
  listAuditEntries: 'read',
  streamAuditEntries: 'read',
  verifyAuditLog: 'administer',
  listWebhooks: 'administer',
  resendDelivery: 'administer',
  listPauses: 'read',
  // For a caller with the right for all names.
  pauseWork: 'operate_all',
  resumeWork: 'operate_all',
  getDoctor: 'administer_all',
  getStorage: 'read',
}

/** `allowed`: any answer that is not about access, such as 200, 400 or 409. */
export type Outcome = 'allowed' | '401' | '403' | '404'

/** What a caller is: the role for names inside of the pattern and for those outside; null: none. */
export type CallerRoles = {
  inside: RoleName | null
  outside: RoleName | null
  /** Nobody is signed in: a refusal asks to sign in. */
  isAnonymous: boolean
  /** A person or a service owns deployments; a shared credential and an anonymous caller do not, and need not respect owners. */
  isPerson: boolean
}

export type TargetKind = {
  place: 'inside' | 'outside'
  /** `missing`: there is no such deployment or action. */
  owner: 'own' | 'nobody' | 'somebody else' | 'missing'
}

export function expectedOutcome(
  row: TableRow,
  caller: CallerRoles,
  target: TargetKind | null,
  addressedBy: 'name' | 'action' | 'body' | 'nothing',
): Outcome {
  const refused = caller.isAnonymous ? '401' : '403'
  const cellFor = (role: RoleName | null): Cell => {
    if (role === null) return 'none'
    const cell: Cell = rightsTable[row][role]
    if (caller.isPerson) return cell
    if (cell === 'own') return 'none'
    return cell === 'own_and_unowned' ? 'all' : cell
  }
  const hasSomewhere = [caller.inside, caller.outside].some((role) => cellFor(role) !== 'none')
  if (!hasSomewhere) return refused
  if (target === null) return 'allowed'
  if (addressedBy === 'action') {
    // An action that the caller may not see looks like one that does not exist.
    if (target.owner === 'missing' || caller[target.place] === null) return '404'
  }
  const cell = cellFor(caller[target.place])
  if (cell === 'none') return refused
  if (target.owner === 'missing') return addressedBy === 'name' ? '404' : 'allowed'
  const isInCell =
    cell === 'all' || target.owner === 'own' || (cell === 'own_and_unowned' && target.owner === 'nobody')
  return isInCell ? 'allowed' : refused
}
