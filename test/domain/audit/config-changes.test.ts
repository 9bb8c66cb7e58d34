/** What the audit log says about a changed config. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeConfigChanges, maskSecretChanges } from '../../../domain/audit/config-changes.ts'
import { noOverrides, type Override, valueAdded, valueDeleted } from '../../../domain/overrides.ts'
import { defaultSecretKeys, withMarkedKeys } from '../../../domain/secrets/secret-values.ts'

const secretKeys = new RegExp(defaultSecretKeys, 'i')
const application = (...overrides: Override[]) => ({ application: overrides, deployment: [] })

test('Only keys that are set, changed or taken away are named, with their values', () => {
  const before = application(valueAdded('same', '1'), valueAdded('image.tag', 'v1'), valueAdded('gone', 'x'))
  const after = {
    application: [valueAdded('image.tag', 'v2'), valueAdded('same', '1'), valueDeleted('debug')],
    deployment: [valueAdded('replicas', '2')],
  }
  assert.deepEqual(describeConfigChanges(before, after, secretKeys), {
    changes: [
      { level: 'application', key: 'debug', before: null, after: { tag: 'removed' } },
      { level: 'application', key: 'gone', before: { tag: 'value', text: 'x' }, after: null },
      {
        level: 'application',
        key: 'image.tag',
        before: { tag: 'value', text: 'v1' },
        after: { tag: 'value', text: 'v2' },
      },
      { level: 'deployment', key: 'replicas', before: null, after: { tag: 'value', text: '2' } },
    ],
    more_changes: 0,
  })
  assert.deepEqual(describeConfigChanges(before, before, secretKeys), { changes: [], more_changes: 0 })
})

test('Values of secret keys are masked however short they are, and URLs with a password under any key', () => {
  const after = application(
    valueAdded('db.password', 'pw1'),
    valueAdded('apiToken', 'TOPSECRET-TOPSECRET'),
    valueAdded('database', 'postgres://app:TOPSECRET@db/app'),
  )
  const { changes } = describeConfigChanges(noOverrides, after, secretKeys)
  assert.deepEqual(
    changes.map((change) => change.after),
    [{ tag: 'masked' }, { tag: 'masked' }, { tag: 'masked' }],
  )
})

test('A changed secret is named without both of its values', () => {
  const { changes } = describeConfigChanges(
    application(valueAdded('password', 'old')),
    application(valueAdded('password', 'new')),
    secretKeys,
  )
  assert.deepEqual(changes, [
    { level: 'application', key: 'password', before: { tag: 'masked' }, after: { tag: 'masked' } },
  ])
})

test('A value that is cut inside a character has no half character, which jsonb refuses', () => {
  const after = application(valueAdded('motd', 'x'.repeat(198) + '😀'.repeat(10)))
  const [change] = describeConfigChanges(noOverrides, after, secretKeys).changes
  assert.deepEqual(change?.after, { tag: 'value', text: `${'x'.repeat(198)}\ufffd…` })
})

test('The description of the largest config is bounded', () => {
  const large = (text: string) =>
    application(
      ...Array.from({ length: 2000 }, (_, at) => valueAdded(`${'k'.repeat(250)}${at}`, text.repeat(5000))),
    )
  const described = describeConfigChanges(large('a'), large('b'), secretKeys)
  assert.ok(described.changes.length > 10 && described.changes.length <= 100)
  assert.equal(described.changes.length + described.more_changes, 2000)
  assert.ok(JSON.stringify(described).length < 20_000)
  assert.ok(
    Buffer.byteLength(JSON.stringify(describeConfigChanges(large('あ'), large('い'), secretKeys))) < 20_000,
  )
})

test('Values of a key that has become secret are masked for readers; what has no value stays', () => {
  const { changes } = describeConfigChanges(
    application(valueAdded('pin', '1111'), valueAdded('size', '1')),
    { application: [valueDeleted('pin'), valueAdded('size', '2')], deployment: [valueAdded('pin', '2222')] },
    secretKeys,
  )
  assert.deepEqual(maskSecretChanges(changes, withMarkedKeys(secretKeys, ['pin'])), [
    { level: 'application', key: 'pin', before: { tag: 'masked' }, after: { tag: 'removed' } },
    {
      level: 'application',
      key: 'size',
      before: { tag: 'value', text: '1' },
      after: { tag: 'value', text: '2' },
    },
    { level: 'deployment', key: 'pin', before: null, after: { tag: 'masked' } },
  ])
  assert.deepEqual(maskSecretChanges(changes, secretKeys), changes)
})
