/** The policy file: what it may say, and which grants it gives. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  grantsOf,
  type Member,
  maxPolicyBytes,
  type Policy,
  parsePolicy,
} from '../../../domain/access/policy.ts'

const file = `version: 1
default_role: viewer
rules:
  - group: platform
    role: admin
  - group: shop
    role: developer
    names: [shop-*, pr-*]
  - subject: '42'
    issuer: https://login.example
    role: operator
    names: [pr-7]
  - proxy_group: shop
    role: operator
`
function parsed(source: string): Policy {
  const result = parsePolicy(source)
  assert.ok('policy' in result, JSON.stringify(result))
  return result.policy
}
const problemsOf = (source: string) => {
  const result = parsePolicy(source)
  return 'problems' in result ? result.problems : []
}
const member = (subject: string, groups: string[], kind: Member['kind'] = 'oidc'): Member => ({
  kind,
  person: { issuer: kind === 'oidc' ? 'https://login.example' : 'proxy', subject },
  groups,
})
const rolesOf = (one: Member) =>
  grantsOf(parsed(file), one).map(({ role, names }) => `${role} ${names.join(' ')}`)

test('All matching rules give their roles; without one, default_role counts', () => {
  assert.deepEqual(rolesOf(member('1', ['shop', 'platform'])), ['admin *', 'developer shop-* pr-*'])
  assert.deepEqual(rolesOf(member('42', ['shop'])), ['developer shop-* pr-*', 'operator pr-7'])
  assert.deepEqual(rolesOf(member('1', [])), ['viewer *'])
  assert.deepEqual(grantsOf(parsed(file.replace('default_role: viewer', '')), member('1', [])), [])
})

test('A service has the rules of its group alone, also with the name of a person', () => {
  const person = { issuer: 'octopod', subject: '42' }
  const service = (kind: 'oidc_service' | 'proxy_service', group: string) =>
    rolesOf({ kind, person, groups: [group] })
  assert.deepEqual(service('oidc_service', 'shop'), rolesOf(member('nobody', ['shop'])))
  assert.deepEqual(service('proxy_service', 'shop'), rolesOf(member('nobody', ['shop'], 'proxy')))
  assert.notDeepEqual(rolesOf(member('42', [])), service('oidc_service', 'unknown'))
})

test('A group of the proxy and a group of the provider are different ones', () => {
  assert.deepEqual(rolesOf(member('1', ['shop'], 'proxy')), ['operator *'])
  assert.deepEqual(rolesOf(member('42', ['platform'], 'proxy')), ['viewer *'])
})

test('A subject counts at its issuer only', () => {
  const elsewhere = { ...member('42', []), person: { issuer: 'https://other.example', subject: '42' } }
  assert.deepEqual(rolesOf(elsewhere), ['viewer *'])
})

test('A problem is named with its line', () => {
  assert.deepEqual(problemsOf(file.replace('role: operator', 'role: boss')).length, 1)
  assert.match(
    problemsOf(file.replace('    role: operator\n    names: [pr-7]', '    role: boss'))[0] ?? '',
    /^line 11: rules\.2\.role: /,
  )
  assert.match(
    problemsOf(file.replace('shop-*', 'Shop.*'))[0] ?? '',
    /^line 8: rules\.1\.names\.0: may hold only a-z/,
  )
  assert.match(problemsOf('rules: [').join(), /^line 1: /)
  assert.match(problemsOf(file.replace('version: 1', 'version: 2'))[0] ?? '', /^line 1: version: /)
  assert.match(problemsOf(`${file}extra: 1\n`)[0] ?? '', /extra/)
  assert.match(
    problemsOf(file.replace('  - group: platform', '  - group: platform\n    subject: x'))[0] ?? '',
    /exactly one of/,
  )
})

test('A file that would leave no admin, or make everybody one, is refused', () => {
  assert.match(
    problemsOf(file.replace('role: admin', 'role: operator')).join(),
    /nobody could change the policy/,
  )
  assert.match(
    problemsOf(file.replace('role: admin', 'role: admin\n    names: [a-*]')).join(),
    /nobody could change/,
  )
  assert.match(problemsOf(file.replace('viewer', 'admin')).join(), /Everybody who signs in would be an admin/)
})

test('A file that is too large, or grows by aliases, is refused', () => {
  assert.match(problemsOf(`# ${'x'.repeat(maxPolicyBytes)}`).join(), /larger than/)
  const levels = Array.from(
    { length: 9 },
    (_, level) => `l${level + 1}: &l${level + 1} [${`*l${level}, `.repeat(9)}]`,
  )
  assert.notDeepEqual(problemsOf(`l0: &l0 [x, x]\n${levels.join('\n')}\n`), [])
})
