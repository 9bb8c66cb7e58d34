// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a policy file writes claims so.
/** Which trust rule counts for an ID token, and for which names. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isForName, namePattern } from '../../../../domain/access/roles.ts'
import type { Claims } from '../../../../domain/access/trust/claims.ts'
import { decideTrust } from '../../../../domain/access/trust/decide-trust.ts'
import { fillTemplate } from '../../../../domain/access/trust/name-template.ts'
import { runLabel } from '../../../../domain/access/trust/run-label.ts'
import { type TrustRule, trustRule } from '../../../../domain/access/trust/trust-rule.ts'
import { githubClaims, gitlabClaims, kubernetesClaims } from './claims-of-ci.ts'

const ruleOf = (rule: Record<string, unknown>): TrustRule =>
  trustRule.parse({
    issuer: githubClaims.iss,
    audience: githubClaims.aud,
    conditions: { repository_id: '456', event_name: 'pull_request' },
    role: 'developer',
    names: ['pr-${pull_request}'],
    ...rule,
  })
const namesOf = (rules: TrustRule[], claims: Claims): readonly string[] | string => {
  const decision = decideTrust(rules, claims)
  return 'refusal' in decision ? decision.refusal : decision.grant.names
}

test('A pull request of GitHub gives its own name only', () => {
  assert.deepEqual(namesOf([ruleOf({})], githubClaims), ['pr-412'])
})

test('Of two rules that match, the first one counts', () => {
  const rules = [
    ruleOf({ conditions: { repository_id: '999' }, role: 'operator' }),
    ruleOf({ role: 'viewer', names: ['a-*'] }),
    ruleOf({ role: 'operator', names: ['b-*'] }),
  ]
  const decision = decideTrust(rules, githubClaims)
  assert.ok('grant' in decision)
  assert.deepEqual(decision.grant, { role: 'viewer', names: ['a-*'], rule: 'trust rule 2 of the policy' })
})

test('A first rule that matches and cannot fill in its names lets no later one count', () => {
  const push = { ...githubClaims, event_name: 'push', ref: 'refs/heads/main' }
  const rules = [
    ruleOf({ conditions: { repository_id: '456' } }),
    ruleOf({ conditions: { repository_id: '456' }, names: ['*'] }),
  ]
  assert.match(String(namesOf(rules, push)), /Trust rule 1 matches .* has no claim pull_request/)
})

test('Issuer, audience and conditions must match; the answer names no value that a rule expects', () => {
  const refusal = (claims: Claims) => String(namesOf([ruleOf({})], claims))
  assert.match(refusal({ ...githubClaims, iss: 'https://evil.example' }), /No trust rule names the issuer/)
  assert.match(
    refusal({ ...githubClaims, aud: 'https://other.example' }),
    /made for https:\/\/other\.example/,
  )
  assert.match(refusal({ ...githubClaims, aud: undefined }), /made for nobody/)
  assert.deepEqual(namesOf([ruleOf({})], { ...githubClaims, aud: ['x', githubClaims.aud] }), ['pr-412'])
  const other = refusal({ ...githubClaims, repository_id: '77' })
  assert.match(other, /its repository_id is 77/)
  assert.doesNotMatch(other, /456/)
  assert.match(refusal({ ...githubClaims, repository_id: { $ne: '' } }), /it has no claim repository_id/)
  const inherited = ruleOf({ conditions: { repository_id: '456', toString: '*', constructor: '*' } })
  assert.match(String(namesOf([inherited], githubClaims)), /No trust rule matches/)
})

test('A list matches by one of its values, a number by its digits', () => {
  const gitlab = (conditions: object) =>
    ruleOf({ issuer: gitlabClaims.iss, conditions, names: ['${environment#staging/}'] })
  assert.deepEqual(namesOf([gitlab({ groups_direct: 'acme/shop-*' })], gitlabClaims), ['pr-412'])
  assert.deepEqual(namesOf([gitlab({ runner_id: 1 })], gitlabClaims), ['pr-412'])
  assert.match(String(namesOf([gitlab({ groups_direct: 'acme/other' })], gitlabClaims)), /groups_direct/)
})

test('pull_request_target counts only where a rule names it, because it runs for forks too', () => {
  const target = { ...githubClaims, event_name: 'pull_request_target', ref: 'refs/heads/main' }
  const open = ruleOf({ conditions: { repository_id: '456' }, names: ['pr-*'] })
  assert.match(String(namesOf([open], target)), /also runs for pull requests from forks/)
  const wild = ruleOf({ conditions: { repository_id: '456', event_name: 'pull_request*' }, names: ['pr-*'] })
  assert.match(String(namesOf([wild], target)), /also runs for pull requests from forks/)
  const named = ruleOf({
    conditions: { repository_id: '456', event_name: 'pull_request_target' },
    names: ['pr-*'],
  })
  assert.deepEqual(namesOf([named], target), ['pr-*'])
})

test('A merge request from a fork of GitLab is refused with an explanation', () => {
  const rule = ruleOf({ issuer: gitlabClaims.iss, conditions: { project_id: '20' }, names: ['${ref_slug}'] })
  assert.deepEqual(namesOf([rule], gitlabClaims), ['feature-login-form'])
  const fork = { ...gitlabClaims, project_id: '77', project_path: 'stranger/shop' }
  assert.match(
    String(namesOf([rule], fork)),
    /its project_id is 77\. The token of a merge request from a fork/,
  )
})

test('A closed pull request of GitHub that was merged has no number', () => {
  const merged = { ...githubClaims, ref: 'refs/heads/main' }
  assert.match(String(namesOf([ruleOf({})], merged)), /has no claim pull_request/)
})

test('Claims follow from others only for the system that means them so', () => {
  const number = (claims: Claims) =>
    namesOf([ruleOf({ conditions: { repository_id: '456', ref: 'refs/*' } })], claims)
  assert.match(String(number({ ...gitlabClaims, iss: githubClaims.iss })), /No trust rule matches/)
  const asBranch = { ...gitlabClaims, ref: 'refs/pull/412/merge' }
  assert.ok('problem' in fillTemplate('pr-${pull_request}', asBranch))
  assert.deepEqual(fillTemplate('${namespace}-${service_account}', kubernetesClaims), {
    pattern: 'builds-deployer',
  })
})

test('No value of a claim widens a pattern', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('*', '..', '', 'A', '4*', '412', '-', 'a/b', '${x}', '412\n', '４１２'),
    fc.anything(),
  )
  fc.assert(
    fc.property(
      value,
      fc.constantFrom('pr-${x}', '${x}', 'a-${x}-*', '${x#r/}-b'),
      fc.string(),
      (x, template, name) => {
        const filled = fillTemplate(template, { x })
        if ('problem' in filled) return
        assert.match(filled.pattern, namePattern)
        assert.equal(
          filled.pattern.split('*').length,
          template.split('*').length,
          'as many * as the template',
        )
        const [before = '', after = ''] = template.split(/\$\{[^}]*\}/)
        const text = String(x).slice(template.includes('#') ? 2 : 0)
        assert.equal(filled.pattern, before + text + after)
        if (!template.includes('*'))
          assert.equal(isForName({ names: [filled.pattern] }, name), name === filled.pattern)
      },
    ),
    { numRuns: 2000 },
  )
})

test('A number fills in its own name and no other one', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (one, other) => {
      const filled = fillTemplate('pr-${pull_request}', {
        ...githubClaims,
        ref: `refs/pull/${one + 1}/merge`,
      })
      assert.ok('pattern' in filled)
      assert.equal(isForName({ names: [filled.pattern] }, `pr-${other + 1}`), one === other)
    }),
  )
})

test('No claims make the decision fail', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...Object.keys(githubClaims), 'x'), fc.anything()),
      (claims) => {
        const rules = [
          ruleOf({}),
          ruleOf({ names: ['${x}'] }),
          ruleOf({ conditions: { repository_id: '456', x: '*a*' } }),
        ]
        assert.ok('refusal' in decideTrust(rules, claims) || claims.iss === githubClaims.iss)
        assert.equal(typeof runLabel(claims).name, 'string')
      },
    ),
    { numRuns: 1000 },
  )
})

test('A run is called by its person and its place, with a link', () => {
  assert.deepEqual(runLabel(githubClaims), {
    name: 'github:dev1, acme/shop#412, run 99',
    link: 'https://github.com/acme/shop/actions/runs/16009876543',
  })
  assert.equal(
    runLabel({ ...githubClaims, ref: 'refs/heads/main' }).name,
    'github:dev1, acme/shop@main, run 99',
  )
  const enterprise = runLabel({ ...githubClaims, iss: 'https://github.acme.example/_services/token' })
  assert.equal(enterprise.link, 'https://github.acme.example/acme/shop/actions/runs/16009876543')
  assert.deepEqual(runLabel(gitlabClaims), {
    name: 'gitlab:dev1, acme/shop@feature/Login-form, job 302',
    link: 'https://gitlab.example.com/acme/shop/-/jobs/302',
  })
  assert.deepEqual(runLabel(kubernetesClaims), { name: 'kubernetes:builds/deployer', link: null })
  assert.equal(runLabel({ iss: 'https://ci.example.com/x', sub: 'job-7' }).name, 'ci.example.com:job-7')
  assert.equal(runLabel({ ...githubClaims, repository: '../../evil' }).link, null)
  assert.equal(runLabel({ ...gitlabClaims, iss: 'javascript:alert(1)' }).link, null)
})
