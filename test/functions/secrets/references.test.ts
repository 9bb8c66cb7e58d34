/** References to secrets, and what fits them. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { ApiError } from '../../../domain/errors.ts'
import {
  applyOverrides,
  type ByLevel,
  type KeyValue,
  normalizeKey,
  type Override,
} from '../../../domain/overrides.ts'
import { isSecretReference } from '../../../domain/secrets/secret-reference.ts'
import { createReferences } from '../../../functions/secrets/references.ts'
import { restoreDeploymentConfig, restoreOverrides } from '../../../functions/secrets/restore-secrets.ts'
import { createSecrets } from '../../../functions/secrets/secrets.ts'
import { testSecrets } from './fixtures.ts'

const { references, hider } = testSecrets
const createdAt = '2026-11-30T12:00:00.000000Z'
const owner = { name: 'shop', createdAt }
const added = (key: string, contents: string): Override => [key, { tag: 'ValueAdded', contents }]
const stored = (application: Override[], deployment: Override[] = []) => ({
  ...owner,
  overrides: { application, deployment },
})
const reference = references.ofValue(owner, { level: 'application', key: 'db.password' }, 'correct-horse')

/** As the API sends them to somebody without the right. */
function hide(overrides: ByLevel<Override[]>): ByLevel<Override[]> {
  const log = hider.actionLog(
    {
      action_id: 1,
      action: 'CreateAction',
      exit_code: 0,
      duration: { months: 0, time: 0 },
      created_at: createdAt,
      deployment_app_overrides: overrides.application,
      deployment_dep_overrides: overrides.deployment,
    },
    owner,
  )
  return { application: log.deployment_app_overrides, deployment: log.deployment_dep_overrides }
}

const restore = (application: Override[], current: Override[], seesSecrets = false) =>
  restoreOverrides(references, 'shop', { application, deployment: [] }, stored(current), seesSecrets)

suite('What a client sends back', () => {
  test('Hiding and restoring gives the stored set, for every config and every pattern', () => {
    const key = fc
      .oneof(
        fc.constantFrom(
          'db.password',
          'token',
          'image.tag',
          'apiKey',
          'url',
          'max_tokens',
          'tls.secretName',
          'pin',
        ),
        fc.string({ maxLength: 12 }),
      )
      .map(normalizeKey)
      .filter((text) => text !== '')
    const value = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('', 'true', '4711', '***.', reference, 'postgres://app:correct-horse@db/app', 'a\nb'),
    )
    const override = fc.oneof(
      { weight: 4, arbitrary: fc.tuple(key, value).map(([name, text]) => added(name, text)) },
      key.map((name): Override => [name, { tag: 'ValueDeleted' }]),
    )
    const level = fc.uniqueArray(override, { selector: ([name]) => name, maxLength: 12 })
    const pattern = fc.constantFrom('password|token', '.', '^$', 'pin$', 'url', '^db')
    fc.assert(
      fc.property(level, level, pattern, (application, deployment, source) => {
        const keyPattern = new RegExp(source, 'i')
        const secrets = createSecrets(() => keyPattern, Buffer.alloc(32, 1))
        const info = {
          deployment: { name: 'shop', app_overrides: application, deployment_overrides: deployment },
          metadata: [],
          created_at: createdAt,
        }
        const hidden = secrets.hider.fullInfo(info as never) as typeof info
        const sent = {
          application: hidden.deployment.app_overrides,
          deployment: hidden.deployment.deployment_overrides,
        }
        const current = stored(application, deployment)
        const { overrides } = restoreOverrides(secrets.references, 'shop', sent, current, false)
        assert.deepEqual(overrides, { application, deployment })
        // With values, as an admin gets them, the set goes through too.
        assert.deepEqual(
          restoreOverrides(secrets.references, 'shop', current.overrides, current, true).overrides,
          current.overrides,
        )
        for (const [, sentValue] of sent.application)
          if (sentValue.tag === 'ValueAdded' && sentValue.contents.startsWith('***.'))
            assert.ok(isSecretReference(sentValue.contents))
      }),
    )
  })

  test('A reference of an earlier value stands for the value of now', () => {
    const { overrides, dependsOnStored } = restore(
      [added('db.password', reference)],
      [added('db.password', 'changed-since')],
    )
    assert.deepEqual(overrides.application, [added('db.password', 'changed-since')])
    assert.equal(dependsOnStored, true)
  })

  test('A reference fits only its deployment, level and key, and names the key where it does not', () => {
    const current = [
      added('db.password', 'correct-horse'),
      added('other.password', 'x'),
      added('public', 'y'),
    ]
    const wrong: [string, () => unknown][] = [
      ['another key', () => restore([added('public', reference)], current)],
      ['another secret key', () => restore([added('other.password', reference)], current)],
      ['a key that is gone', () => restore([added('db.password', reference)], [])],
      [
        'a removed key',
        () => restore([added('db.password', reference)], [['db.password', { tag: 'ValueDeleted' }]]),
      ],
      ['made up', () => restore([added('db.password', `***.${'A'.repeat(60)}`)], current)],
      ['too short', () => restore([added('db.password', '***.AAAA')], current)],
      ['not a reference', () => restore([added('db.password', '***. hello')], current)],
      [
        'changed',
        () => restore([added('db.password', `${reference.slice(0, 20)}x${reference.slice(21)}`)], current),
      ],
      [
        'another level',
        () =>
          restoreOverrides(
            references,
            'shop',
            { application: [], deployment: [added('db.password', reference)] },
            stored(current, current),
            false,
          ),
      ],
      [
        'a deployment of the same name that was created later',
        () =>
          restoreOverrides(
            references,
            'shop',
            { application: [added('db.password', reference)], deployment: [] },
            { ...stored(current), createdAt: '2026-12-01T12:00:00.000000Z' },
            false,
          ),
      ],
      [
        'another deployment',
        () =>
          restoreOverrides(
            references,
            'copy',
            { application: [added('db.password', reference)], deployment: [] },
            { ...stored(current), name: 'copy' },
            false,
          ),
      ],
      [
        'a create',
        () =>
          restoreOverrides(
            references,
            'shop',
            { application: [added('db.password', reference)], deployment: [] },
            null,
            false,
          ),
      ],
    ]
    for (const [title, call] of wrong)
      assert.throws(
        call,
        (error) =>
          error instanceof ApiError &&
          error.code === 'bad_request' &&
          /^(db\.password|public|other\.password): /.test(error.message) &&
          !error.message.includes('correct-horse'),
        title,
      )
    const other = createReferences(Buffer.alloc(32, 'another installation'))
    const foreign = other.ofValue(owner, { level: 'application', key: 'db.password' }, 'correct-horse')
    assert.throws(() => restore([added('db.password', foreign)], current), /db\.password/)
  })

  test('Only somebody who sees values may send one that looks like a reference, and only the stored one', () => {
    const current = [added('note', '***.kept')]
    assert.throws(() => restore([added('note', '***.kept')], current), /note/)
    assert.deepEqual(restore([added('note', '***.kept')], current, true).overrides.application, current)
    assert.throws(() => restore([added('note', '***.other')], current, true), /note/)
    assert.deepEqual(restore(hide({ application: current, deployment: [] }).application, current).overrides, {
      application: current,
      deployment: [],
    })
  })

  test('A reference to a default leaves the key out, so that the default stays', () => {
    const place = { level: 'application', key: 'db.password' } as const
    assert.deepEqual(
      restore([added('db.password', references.ofDefault(place)), added('a', 'b')], []).overrides.application,
      [added('a', 'b')],
    )
    assert.throws(() => restore([added('public', references.ofDefault(place))], []), /public/)
  })
})

suite('What a reference says', () => {
  test('It is the same for the same value, and another one for another value, key, level or deployment', () => {
    const place = { level: 'application', key: 'db.password' } as const
    const all = [
      references.ofValue(owner, place, 'correct-horse'),
      references.ofValue(owner, place, 'battery'),
      references.ofValue(owner, { ...place, key: 'b' }, 'correct-horse'),
      references.ofValue(owner, { ...place, level: 'deployment' }, 'correct-horse'),
      references.ofValue({ ...owner, name: 'b' }, place, 'correct-horse'),
      references.ofValue({ ...owner, createdAt: '' }, place, 'correct-horse'),
    ]
    assert.equal(all[0], reference)
    assert.equal(new Set(all).size, all.length)
  })

  test('That of a default says nothing about the value, so nobody can test guesses', () => {
    const first = hider.defaults('application', [['db.password', 'correct-horse']])
    assert.deepEqual(first, hider.defaults('application', [['db.password', 'battery']]))
  })
})

suite('The config of a query for defaults', () => {
  const config: KeyValue[] = [
    ['db.password', references.ofValue(owner, { level: 'deployment', key: 'db.password' }, 'old')],
    ['root.password', references.ofDefault({ level: 'deployment', key: 'root.password' })],
    ['gone.password', references.ofDefault({ level: 'deployment', key: 'gone.password' })],
    ['region', 'eu'],
  ]
  const sources = {
    mayRestore: async (_name: string | null) => true,
    readStored: async (name: string) =>
      name === 'shop' ? stored([], [added('db.password', 'correct-horse')]) : null,
    readDefaults: async (): Promise<KeyValue[]> => [['root.password', 'of-the-script']],
  }

  test('has the stored values and the defaults of now', async () => {
    const { pairs, restored } = await restoreDeploymentConfig(references, config, sources, false)
    assert.deepEqual(pairs, [
      ['db.password', 'correct-horse'],
      ['root.password', 'of-the-script'],
      ['region', 'eu'],
    ])
    assert.deepEqual(restored, ['correct-horse', 'of-the-script'])
    assert.deepEqual(applyOverrides(pairs, []), pairs)
  })

  test('has no values of a deployment that the caller may not update, nor defaults where it may update none', async () => {
    const restoreFor = async (mayRestore: (name: string | null) => boolean) =>
      restoreDeploymentConfig(
        references,
        config,
        { ...sources, mayRestore: async (name) => mayRestore(name) },
        false,
      )
    assert.deepEqual(await restoreFor((name) => name === null), {
      pairs: [
        ['root.password', 'of-the-script'],
        ['region', 'eu'],
      ],
      restored: ['of-the-script'],
    })
    assert.deepEqual(await restoreFor(() => false), { pairs: [['region', 'eu']], restored: [] })
  })

  test('may not have references of a deployment that is gone, nor of two', async () => {
    const gone = { ...sources, readStored: async () => null }
    await assert.rejects(
      restoreDeploymentConfig(references, config, gone, false),
      /^Error: db\.password: |db\.password/,
    )
    const second = references.ofValue({ ...owner, name: 'b' }, { level: 'deployment', key: 'a' }, '')
    await assert.rejects(
      restoreDeploymentConfig(references, [...config, ['a', second]], sources, false),
      /several/,
    )
  })

  test('hides what a script prints of a restored value, under any key', () => {
    const [[, region] = [], [, other] = []] = hider.defaults(
      'application',
      [
        ['greeting', 'I know correct-horse'],
        ['other', 'open'],
      ],
      ['correct-horse'],
    )
    assert.ok(isSecretReference(region ?? ''))
    assert.equal(other, 'open')
  })
})

test('A link shows neither a secret of the config nor the password of a URL', () => {
  const info = {
    deployment: {
      name: 'shop',
      app_overrides: [added('api.token', 'top secret/1')],
      deployment_overrides: [],
    },
    metadata: [
      { name: 'app', link: 'https://app.example/?token=top%20secret%2F1' },
      { name: 'db', link: 'https://root:hunter22@db.example/' },
      { name: 'docs', link: 'https://docs.example/' },
    ],
    created_at: createdAt,
  }
  const hidden = hider.fullInfo(info as never) as typeof info
  assert.deepEqual(
    hidden.metadata.map(({ link }) => link),
    ['https://app.example/?token=***', 'https://root:***@db.example/', 'https://docs.example/'],
  )
})
