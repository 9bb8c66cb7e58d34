/** Which deployments and which secrets callers see, and that callers who see different things have different views. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Grant, Role } from '../../../domain/access/roles.ts'
import { viewOf } from '../../../functions/auth/view.ts'

const viewWith = (...grants: [role: Role, names: string[], within?: string[]][]) =>
  viewOf({
    permissions: {
      grants: grants.map(([role, names, within]): Grant => ({ role, names, within, rule: 'test' })),
      person: null,
      respectsOwners: false,
      outputReaders: 'developer',
    },
  })

test('Only the role admin shows secrets, and only of the names that it is for', () => {
  const names = ['shop-1', 'blog']
  const seen = (view: ReturnType<typeof viewWith>) =>
    names.map((name) => [view.includes(name), view.seesSecrets(name)])
  const views = [
    viewWith(['admin', ['*']]),
    viewWith(['operator', ['*']]),
    viewWith(['admin', ['shop-*']]),
    viewWith(['developer', ['shop-*']]),
    viewWith(['viewer', ['*']], ['admin', ['shop-*']]),
    viewWith(['admin', ['*'], ['shop-*']]),
    viewWith(),
  ]
  assert.deepEqual(views.map(seen), [
    [
      [true, true],
      [true, true],
    ],
    [
      [true, false],
      [true, false],
    ],
    [
      [true, true],
      [false, false],
    ],
    [
      [true, false],
      [false, false],
    ],
    [
      [true, true],
      [true, false],
    ],
    [
      [true, true],
      [false, false],
    ],
    [
      [false, false],
      [false, false],
    ],
  ])
  assert.equal(new Set(views.map(({ id }) => id)).size, views.length)
  assert.equal(viewWith(['developer', ['*']]).id, viewWith(['viewer', ['*']]).id)
})
