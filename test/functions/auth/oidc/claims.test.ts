/** The claims of a provider become the name, the e-mail address and the groups of a person. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPerson } from '../../../../functions/auth/oidc/claims.ts'

const options = { groupsClaim: 'groups', allowedGroups: [], isRelevantGroup: () => false }
const personOf = (claims: Record<string, unknown>, changes: Partial<Parameters<typeof readPerson>[2]> = {}) =>
  readPerson(claims, 'subject-1', { ...options, ...changes })

test('The name is the first of name, preferred user name, e-mail address and subject that shows something', () => {
  const all = { name: 'Anna Berg', preferred_username: 'anna', email: 'anna@example.com' }
  assert.equal(personOf(all).displayName, 'Anna Berg')
  assert.equal(personOf({ ...all, name: ' \u0007\u202e ' }).displayName, 'anna')
  assert.equal(personOf({ ...all, name: 7, preferred_username: '' }).displayName, 'anna@example.com')
  assert.equal(personOf({}).displayName, 'subject-1')
})

test('A name loses control codes, overrides of the direction and what is beyond 200 characters', () => {
  assert.equal(personOf({ name: 'Anna\u202e\nBerg\u0085' }).displayName, 'Anna  Berg')
  const { displayName } = personOf({ name: `${'x'.repeat(199)}😀` })
  assert.equal(displayName.length, 200)
  assert.ok(displayName.isWellFormed())
})

test('An e-mail address counts only when it is one and the provider does not call it unverified', () => {
  assert.equal(personOf({ email: 'anna@example.com' }).email, 'anna@example.com')
  for (const claims of [
    { email: 'anna@example.com', email_verified: false },
    { email: 'anna@example.com', email_verified: 'false' },
    { email: 'anna' },
    { email: ['anna@example.com'] },
    { email: 'anna@example.com\n' },
    { email: `${'a'.repeat(250)}@example.com` },
  ]) {
    assert.equal(personOf(claims).email, null, JSON.stringify(claims))
    assert.equal(personOf(claims).displayName, 'subject-1')
  }
})

test('Groups are texts; one text is one group, and everything else is ignored', () => {
  assert.deepEqual(
    personOf({ groups: ['dev', { name: 'ops' }, 7, null, '', 'dev', 'a\u0000b', '\ud800'] }).groups,
    ['dev'],
  )
  assert.deepEqual(personOf({ groups: 'dev' }).groups, ['dev'])
  assert.deepEqual(personOf({ groups: { dev: true } }).groups, [])
  assert.deepEqual(personOf({ roles: ['dev'] }, { groupsClaim: 'roles' }).groups, ['dev'])
  assert.deepEqual(
    personOf({ 'https://example.com/groups': ['dev'] }, { groupsClaim: 'https://example.com/groups' }).groups,
    ['dev'],
  )
})

test('All groups are kept up to 64 KiB; beyond, the relevant ones within the same limit', () => {
  const groups = Array.from({ length: 1000 }, (_, index) => `${index}-${'x'.repeat(100)}`)
  const few = groups.slice(0, 500)
  assert.deepEqual(personOf({ groups: few }).groups, few)
  assert.deepEqual(personOf({ groups }).groups, [])
  assert.deepEqual(
    personOf({ groups }, { isRelevantGroup: (group) => group.startsWith('99') }).groups.length,
    11,
  )
  const { groups: kept } = personOf({ groups }, { isRelevantGroup: () => true })
  assert.ok(kept.length > 500 && Buffer.byteLength(JSON.stringify(kept)) <= 64 * 1024)
})
