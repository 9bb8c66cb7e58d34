/** The table of rights, which is repeated here as data, and the decisions made with it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  allRights,
  decide,
  type Grant,
  isForName,
  matchesAny,
  type Permissions,
  type Person,
  type Right,
  type Role,
  rights,
  roles,
  type Scope,
  scopeFor,
  seesAllNames,
} from '../../../domain/access/roles.ts'

const anna: Person = { issuer: 'https://login.example', subject: 'anna' }
const ben: Person = { issuer: 'https://login.example', subject: 'ben' }
/** The same subject at another provider is another person. */
const otherAnna: Person = { issuer: 'https://other.example', subject: 'anna' }

const permissions = (role: Role, more: Partial<Permissions> = {}): Permissions => ({
  grants: [{ role, names: ['*'], rule: 'test' }],
  person: anna,
  respectsOwners: true,
  outputReaders: 'developer',
  ...more,
})

test('The table of rights is the documented one', () => {
  const table: Record<Right, [Scope, Scope, Scope, Scope]> = {
    read: ['all', 'all', 'all', 'all'],
    read_output: ['none', 'all', 'all', 'all'],
    create: ['none', 'all', 'all', 'all'],
    update: ['none', 'own_or_unowned', 'all', 'all'],
    archive: ['none', 'own_or_unowned', 'all', 'all'],
    restore: ['none', 'own_or_unowned', 'all', 'all'],
    cancel: ['none', 'own_or_unowned', 'all', 'all'],
    stop_waiting: ['none', 'own_or_unowned', 'all', 'all'],
    label: ['none', 'own_or_unowned', 'all', 'all'],
    cleanup: ['none', 'own', 'all', 'all'],
    change_owner: ['none', 'own', 'all', 'all'],
    pause: ['none', 'none', 'all', 'all'],
    delete: ['none', 'none', 'none', 'all'],
    see_secrets: ['none', 'none', 'none', 'all'],
    read_policy: ['none', 'none', 'none', 'all'],
    read_access_log: ['none', 'none', 'none', 'all'],
    manage_tokens: ['none', 'none', 'none', 'all'],
    manage_webhooks: ['none', 'none', 'none', 'all'],
    diagnose: ['none', 'none', 'none', 'all'],
    manage_sessions: ['none', 'none', 'none', 'all'],
  }
  assert.deepEqual(
    Object.fromEntries(allRights.map((right) => [right, roles.map((role) => rights[right].scopes[role])])),
    table,
  )
})

test('A developer changes own and unowned deployments, and cleans up only own ones', () => {
  const developer = permissions('developer')
  const may = (right: Right, owner: Person | null, by = developer) =>
    decide(by, right, { name: 'a', owner }).isAllowed
  assert.ok(may('update', anna) && may('update', null) && !may('update', ben) && !may('update', otherAnna))
  assert.ok(may('cleanup', anna) && !may('cleanup', null) && !may('cleanup', ben))
  assert.ok(may('cleanup', ben, permissions('operator')))
  const unknown = permissions('developer', { person: null, respectsOwners: false })
  assert.ok(may('update', ben, unknown) && !may('cleanup', ben, unknown) && !may('cleanup', null, unknown))
})

test('OUTPUT_READERS raises the role that may read output', () => {
  for (const role of roles)
    for (const outputReaders of ['developer', 'operator', 'admin'] as const)
      assert.equal(
        decide(permissions(role, { outputReaders }), 'read_output').isAllowed,
        roles.indexOf(role) >= roles.indexOf(outputReaders),
        `${role} ${outputReaders}`,
      )
})

test('A refusal says what is missing', () => {
  const reasonOf = (by: Permissions, right: Right, target?: { name: string; owner?: Person | null }) => {
    const decision = decide(by, right, target)
    return decision.isAllowed ? null : [decision.reason, ...decision.roles]
  }
  assert.deepEqual(reasonOf(permissions('viewer', { grants: [] }), 'update'), [
    'no_role',
    'developer',
    'operator',
    'admin',
  ])
  assert.deepEqual(reasonOf(permissions('viewer'), 'delete', { name: 'a', owner: null }), ['role', 'admin'])
  const limited = permissions('admin', { grants: [{ role: 'admin', names: ['shop-*'], rule: '' }] })
  assert.deepEqual(reasonOf(limited, 'read', { name: 'pr-1' })?.[0], 'names')
  assert.deepEqual(reasonOf(permissions('developer'), 'update', { name: 'a', owner: ben }), [
    'owner',
    'operator',
    'admin',
  ])
})

test('All matching grants count together, whatever their order is', () => {
  const grant = fc.record({
    role: fc.constantFrom(...roles),
    names: fc.array(fc.constantFrom('*', 'shop-*', 'pr-*', 'pr-1', '*-1'), { minLength: 1, maxLength: 3 }),
    rule: fc.constant('test'),
  })
  const owner = fc.constantFrom(anna, ben, null)
  fc.assert(
    fc.property(
      fc.array(grant, { maxLength: 4 }),
      fc.constantFrom(...allRights),
      fc.constantFrom('pr-1', 'shop-1', 'x'),
      owner,
      fc.boolean(),
      (grants: Grant[], right, name, deploymentOwner, respectsOwners) => {
        const by = (some: Grant[]) => permissions('viewer', { grants: some, respectsOwners })
        const target = { name, owner: deploymentOwner }
        const together = decide(by(grants), right, target).isAllowed
        assert.equal(
          together,
          grants.some((one) => decide(by([one]), right, target).isAllowed),
        )
        assert.equal(together, decide(by(grants.toReversed()), right, target).isAllowed)
        // What the database compares gives the same answer.
        const scope = scopeFor(by(grants), right, name)
        const isOwn = deploymentOwner === anna
        assert.equal(
          together,
          scope === 'all' ||
            (scope !== 'none' && isOwn) ||
            (scope === 'own_or_unowned' && deploymentOwner === null),
        )
        if (together) assert.ok(grants.some((one) => isForName(one, name)))
        if (seesAllNames(grants)) assert.ok(grants.some((one) => isForName(one, name)))
      },
    ),
  )
})

test('A pattern matches like a regular expression with .* for each *', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 8 })
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '-', '*'), minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(pattern, text, (one, name) => {
      const expression = new RegExp(`^${one.split('*').join('.*')}$`)
      assert.equal(matchesAny([one], name), expression.test(name), `${one} ${name}`)
    }),
  )
  assert.equal(matchesAny([`${'*a'.repeat(32)}*b`], 'a'.repeat(64)), false)
})
