/** docs/policy.md: its example is a valid policy, and its tables are those of the code. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePolicy, policySchema } from '../../domain/access/policy.ts'
import { type Right, rights, roles, type Scope } from '../../domain/access/roles.ts'
import { tableRows } from '../architecture/markdown.ts'
import { read } from '../architecture/repository.ts'

test('The example is a valid policy', () => {
  const [, example = ''] = /^```yaml\n([\s\S]*?)^```$/m.exec(read('docs/policy.md')) ?? []
  const parsed = parsePolicy(example)
  assert.ok('policy' in parsed, JSON.stringify(parsed))
  assert.equal(parsed.policy.rules.length, 4)
})

test('The table of keys is complete', () => {
  const documented = tableRows('docs/policy.md', (heading) => heading === 'Rules').map(([key]) => key)
  const known = [...Object.keys(policySchema.shape), ...Object.keys(policySchema.shape.rules.unwrap().shape)]
  assert.deepEqual(documented.slice(1).sort(), known.sort())
})

const cellOf: Record<Scope, string> = {
  none: '',
  own: 'own',
  own_or_unowned: 'own, and those without an owner',
  all: 'yes',
}

for (const path of ['docs/policy.md', 'docs/api.md'])
  test(`The table of roles in ${path} is that of the code`, () => {
    const [headings = [], ...rows] = tableRows(path, (heading) => heading === 'Roles')
    assert.deepEqual(headings, ['right', ...roles])
    const documented = rows.flatMap(([names = '', ...cells]) =>
      names
        .replace(/[:(].*/, '')
        .split(', ')
        .map((name) => [name.trim(), ...cells]),
    )
    const expected = (Object.keys(rights) as Right[]).map((right) => [
      right,
      ...roles.map((role) => cellOf[rights[right].scopes[role]]),
    ])
    assert.deepEqual(documented.sort(), expected.sort())
  })
