// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a policy file writes claims so.
/** Trust rules of the policy file: which of them are refused, and with what message. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePolicy } from '../../../../domain/access/policy.ts'

const policyWith = (rule: Record<string, unknown>) =>
  JSON.stringify({ version: 1, rules: [{ group: 'platform', role: 'admin' }], trust: [rule] })
const problemsOf = (rule: Record<string, unknown>): string => {
  const result = parsePolicy(policyWith(rule))
  return 'problems' in result ? result.problems.join('\n') : ''
}
const github = {
  issuer: 'https://token.actions.githubusercontent.com',
  audience: 'https://octopod.example.com',
  conditions: { repository_id: '456', event_name: 'pull_request' },
  role: 'developer',
  names: ['pr-${pull_request}'],
}
const own = { ...github, issuer: 'https://ci.example.com', conditions: { sub: 'job-*' } }

test('A rule gets its defaults, and numbers and booleans become texts', () => {
  const result = parsePolicy(policyWith({ ...own, conditions: { project_id: 20, ref_protected: true } }))
  assert.ok('policy' in result, JSON.stringify(result))
  assert.deepEqual(result.policy.trust, [
    {
      ...own,
      audience: ['https://octopod.example.com'],
      conditions: { project_id: ['20'], ref_protected: ['true'] },
      lifetime_seconds: 900,
      single_use: false,
    },
  ])
})

test('A rule without conditions, or with one that every token meets, is refused', () => {
  assert.match(problemsOf({ ...own, conditions: {} }), /trust\.0\.conditions: A trust rule needs a condition/)
  assert.match(problemsOf({ ...own, conditions: { sub: '*' } }), /needs a condition/)
  assert.match(problemsOf({ ...own, conditions: { sub: ['x', '**'], ref: '*' } }), /needs a condition/)
  assert.match(problemsOf({ ...own, conditions: undefined }), /trust\.0\.conditions/)
  assert.equal(problemsOf({ ...own, conditions: { sub: 'x*', ref: '*' } }), '')
})

test('A rule for an issuer of everybody names whose tokens it means', () => {
  const refused = [
    { event_name: 'pull_request' },
    { repository_id: '4*' },
    { repository: 'acme*' },
    { repository: ['acme/*', '*/shop'] },
    { sub: 'repo:acme*' },
    { actor: 'dev1' },
  ]
  for (const conditions of refused)
    assert.match(
      problemsOf({ ...github, conditions }),
      /Everybody can get a token/,
      JSON.stringify(conditions),
    )
  const accepted = [
    { repository_id: ['456', '457'] },
    { repository_owner_id: 123 },
    { repository: 'acme/*' },
    { sub: 'repo:acme/*' },
  ]
  for (const conditions of accepted)
    assert.equal(problemsOf({ ...github, conditions }), '', JSON.stringify(conditions))
  const gitlab = { ...github, issuer: 'https://gitlab.com', names: ['${ref_slug}'] }
  assert.match(problemsOf({ ...gitlab, conditions: { ref: 'main' } }), /project_id or namespace_id/)
  assert.match(problemsOf({ ...gitlab, conditions: { job_project_id: '20' } }), /Everybody can get a token/)
  assert.equal(problemsOf({ ...gitlab, conditions: { project_id: '20' } }), '')
  assert.equal(
    problemsOf({ ...gitlab, issuer: 'https://gitlab.acme.example', conditions: { ref: 'main' } }),
    '',
  )
})

test('An issuer is an address with https; http is for this machine', () => {
  for (const issuer of [
    'http://ci.example.com',
    'ci.example.com',
    'file:///etc/passwd',
    'https://user:secret@ci.example.com',
    'https://ci.example.com/?x=1',
    'https://ci.example.com/#x',
    '',
  ])
    assert.match(problemsOf({ ...own, issuer }), /trust\.0\.issuer/, issuer)
  assert.equal(problemsOf({ ...own, issuer: 'http://127.0.0.1:9/ci' }), '')
})

test('Names are patterns with claims; a claim beside a * or beside another claim is refused', () => {
  for (const name of ['PR-${pull_request}', '..', 'pr_${x}', '', '${', '${}', 'pr-${a}}', 'pr.${a}'])
    assert.match(problemsOf({ ...own, names: [name] }), /trust\.0\.names\.0/, name)
  for (const name of ['pr-${x}*', '*${x}', 'pr-${x}1*', '*a${x}'])
    assert.match(problemsOf({ ...own, names: [name] }), /needs a - between a claim and a \*/, name)
  assert.match(problemsOf({ ...own, names: ['${a}${b}'] }), /between two claims/)
  for (const name of [
    'pr-${pull_request}',
    '${ref_slug}',
    '${environment#staging/}',
    'a-${x}-*',
    'pr-*',
    '*',
  ])
    assert.equal(problemsOf({ ...own, names: [name] }), '', name)
  assert.match(problemsOf({ ...own, names: [] }), /trust\.0\.names/)
  assert.match(problemsOf({ ...own, names: undefined }), /trust\.0\.names/)
})

test('Other mistakes are refused with their place', () => {
  assert.match(problemsOf({ ...own, role: 'admin' }), /a CI job is no admin/)
  assert.match(problemsOf({ ...own, role: 'none' }), /trust\.0\.role/)
  assert.match(problemsOf({ ...own, audience: undefined }), /trust\.0\.audience/)
  assert.match(problemsOf({ ...own, audience: [] }), /trust\.0\.audience/)
  assert.match(problemsOf({ ...own, lifetime_seconds: 3600 }), /trust\.0\.lifetime_seconds/)
  assert.match(problemsOf({ ...own, conditions: { sub: 'x', iss: 'y' } }), /use issuer and audience/)
  assert.match(problemsOf({ ...own, conditions: { id: 2 ** 64 } }), /put a long number in quotes/)
  assert.match(problemsOf({ ...own, subject: 'x' }), /subject/)
})
