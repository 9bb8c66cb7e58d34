/** Entries of the audit log as sentences. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allRights } from '../../../domain/access/roles.ts'
import { auditOperations } from '../../../domain/audit/operations.ts'
import { auditSentenceText, describeAuditEntry } from '../../../domain/audit/sentence.ts'

type Entry = Parameters<typeof describeAuditEntry>[0]

const base: Entry = {
  operation: 'update',
  outcome: 'accepted',
  deployment: 'shop',
  action_id: null,
  count: 1,
  address: null,
  details: {},
}
const say = (entry: Partial<Entry>) => auditSentenceText(describeAuditEntry({ ...base, ...entry }))
const value = (text: string) => ({ tag: 'value', text }) as const
const change = (key: string, before: object | null, after: object | null) =>
  ({ level: 'application', key, before, after }) as never

test('An update says what changed, and hides secrets', () => {
  const changes = [
    change('image.tag', value('v1'), value('v2')),
    change('db.password', { tag: 'masked' }, { tag: 'masked' }),
    change('a', null, value('')),
  ]
  assert.equal(
    say({ details: { changes: changes.slice(0, 1), status: { before: 'Running', after: 'UpdatePending' } } }),
    'updated shop: image.tag v1 to v2',
  )
  assert.equal(
    say({ details: { changes, more_changes: 4 } }),
    'updated shop: image.tag v1 to v2, db.password changed (secret), and 5 more',
  )
  for (const [before, after, expected] of [
    [null, value(''), 'k set to empty'],
    [value('x'), null, 'k back to the default'],
    [value('x'), { tag: 'removed' }, 'k removed'],
    [null, { tag: 'masked' }, 'k set (secret)'],
    [value('x'), value('y'.repeat(200)), `k x to ${'y'.repeat(39)}…`],
  ] as const)
    assert.equal(say({ details: { changes: [change('k', before, after)] } }), `updated shop: ${expected}`)
})

test('Other changes name their object', () => {
  for (const [entry, expected] of [
    [{ operation: 'create' }, 'created shop'],
    [{ operation: 'read_output', action_id: 7 }, 'read the output of action 7 of shop'],
    [
      { operation: 'delete', details: { status: { before: 'Running', after: null } } },
      'deleted the record of shop: it was Running',
    ],
    [
      { operation: 'change_owner', details: { owner: { before: null, after: 'Ann' } } },
      'changed the owner of shop: nobody to Ann',
    ],
    [
      { operation: 'create_token', deployment: null, details: { label: 'nightly' } },
      'created an access token: “nightly”',
    ],
    [
      { operation: 'end_session', deployment: null, details: { message: 'too many sessions' } },
      'ended a session: too many sessions',
    ],
    [{ operation: 'sign_in', deployment: null, details: { user_agent: 'Firefox' } }, 'signed in'],
    [
      {
        operation: 'remove_old_entries',
        deployment: null,
        details: { entries: 12, until: '2026-01-01T00:00:00Z' },
      },
      'removed old entries of the audit log: 12, before 2026-01-01',
    ],
    [{ operation: 'wake', deployment: 'shop' }, 'wake shop'],
  ] as const)
    assert.equal(say(entry as Partial<Entry>), expected)
})

test('A refusal says what was not allowed, once with its name', () => {
  const refused = { outcome: 'refused', details: { message: 'You may not.' } } as const
  for (const [entry, expected] of [
    [{ operation: 'update' }, 'was not allowed to update shop'],
    [{ operation: 'create' }, 'was not allowed to create shop'],
    [{ operation: 'read' }, 'was not allowed to read shop'],
    [{ operation: 'cancel', action_id: 7 }, 'was not allowed to cancel action 7 of shop'],
    [{ operation: 'cancel', deployment: null, action_id: 7 }, 'was not allowed to cancel action 7'],
    [{ operation: 'read_output' }, 'was not allowed to read the output of actions of shop'],
    [{ operation: 'read_policy', deployment: null }, 'was not allowed to read the policy'],
    [{ operation: 'revoke_token', deployment: null }, 'was not allowed to revoke an access token'],
    [
      { operation: 'authenticate', deployment: null, count: 3, address: '192.0.2.7' },
      'sent requests without a valid credential: 3 requests from 192.0.2.7',
    ],
  ] as const)
    assert.equal(say({ ...refused, ...entry }), expected)
})

test('Every operation has a sentence, accepted and refused', () => {
  for (const operation of auditOperations)
    for (const outcome of ['accepted', 'refused'] as const) {
      const text = say({ operation, outcome })
      assert.doesNotMatch(text, /undefined|_|this deployment/, operation)
      if (outcome === 'refused' && (allRights as string[]).includes(operation)) assert.match(text, / shop$/)
    }
})
