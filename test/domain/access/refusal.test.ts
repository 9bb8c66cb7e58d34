/** The sentences that say why somebody may not do something. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Refusal, refusalMessage, refusalReason } from '../../../domain/access/refusal.ts'
import { decide, type Permissions, type Right, type Role } from '../../../domain/access/roles.ts'

const anna = { issuer: 'https://id.example', subject: 'anna', name: 'Anna' }
const ben = { issuer: 'https://id.example', subject: 'ben' }

const permissionsOf = (role: Role | null, names = ['*']): Permissions => ({
  grants: role === null ? [] : [{ role, names, rule: 'a rule' }],
  person: ben,
  respectsOwners: true,
  outputReaders: 'viewer',
})
const refuse = (permissions: Permissions, right: Right, owner: typeof anna | null = null) =>
  decide(permissions, right, { name: 'shop', owner }) as Refusal
const reason = (
  permissions: Permissions,
  right: Right,
  owner: typeof anna | null = null,
  options: { isAnonymous?: boolean } = {},
) => refusalReason(permissions, refuse(permissions, right, owner), { name: 'shop', owner }, options)

test('A reason for the caller says what is needed and who can help, the same for several rights', () => {
  const viewer = permissionsOf('viewer')
  assert.equal(reason(viewer, 'archive'), 'This needs the role developer or a higher one: ask an admin.')
  assert.equal(reason(viewer, 'update'), reason(viewer, 'archive'))
  assert.equal(reason(viewer, 'delete'), 'This needs the role admin: ask an admin.')
  assert.equal(
    reason(viewer, 'delete', null, { isAnonymous: true }),
    'This needs the role admin: sign in first.',
  )
  assert.equal(
    reason(permissionsOf('developer'), 'archive', anna),
    'Anna owns shop: only its owner, or the role operator or a higher one, may do this.',
  )
  assert.equal(
    reason(permissionsOf('developer'), 'cleanup'),
    'Nobody owns shop. This needs the role operator or a higher one: ask an admin.',
  )
  assert.equal(
    reason(permissionsOf('developer', ['cart-*']), 'update'),
    'Your role is for cart-*, not for shop: ask an admin.',
  )
  assert.equal(reason(permissionsOf(null), 'read'), 'You have no role here: ask an admin for one.')
})

test('A message for others names the person, the right and who has it', () => {
  const permissions = permissionsOf('developer')
  assert.equal(
    refusalMessage({ name: 'ben', permissions }, 'archive', refuse(permissions, 'archive', anna), {
      name: 'shop',
      owner: anna,
    }),
    'ben may not archive this deployment: Anna owns shop. The role operator or admin may archive this deployment, or its owner.',
  )
})
