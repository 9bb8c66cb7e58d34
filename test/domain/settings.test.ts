import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readSettings, SettingsError } from '../../domain/settings/read-settings.ts'
import type { Program } from '../../domain/settings/values.ts'
import { type SettingName, settings } from '../../domain/settings.ts'

const requiredSettings = {
  DATABASE_URL: 'postgres://db',
  REDIS_URL: 'redis://redis',
  ANONYMOUS_ROLE: 'none',
}
const programs = ['server', 'runner', 'migrate'] as const
const settingsErrors = (environment: Record<string, string>, program: Program = 'runner'): string[] => {
  try {
    readSettings(program, { ...requiredSettings, ...environment })
  } catch (error) {
    assert.ok(error instanceof SettingsError)
    return error.message.split('\n')
  }
  return []
}

suite('settings', () => {
  test('Only the database URLs are required: every other default is valid', () => {
    for (const who of programs) {
      const read: Record<string, unknown> = readSettings(who, requiredSettings)
      const names = Object.keys(settings).filter((name) => {
        const readers: readonly string[] = settings[name as SettingName].programs
        return readers.includes(who)
      })
      assert.deepEqual(Object.keys(read), names)
    }
  })

  test('Seconds become milliseconds, and the defaults are those of Octopod 1.6', () => {
    const read = readSettings('runner', requiredSettings)
    assert.equal(read.CONTROL_SCRIPT_TIMEOUT, 1_800_000)
    assert.equal(read.CHECK_INTERVAL, 15_000)
    assert.equal(read.STATUS_UPDATE_TIMEOUT, 600_000)
    assert.equal(read.ARCHIVE_RETENTION, 1_209_600_000)
    assert.equal(read.CACHE_UPDATE_TIME, 600_000)
    assert.equal(read.CACHE_INVALIDATION_TIME, 86_400_000)
    assert.equal(readSettings('runner', { ...requiredSettings, CHECK_INTERVAL: '0.5' }).CHECK_INTERVAL, 500)
  })

  test('config_check has 60 seconds, and at most as long as clients wait', () => {
    const read = (value?: string) =>
      readSettings('server', { ...requiredSettings, CONFIG_CHECK_TIMEOUT: value }).CONFIG_CHECK_TIMEOUT
    assert.equal(read(), 60_000)
    assert.equal(read('300'), 300_000)
    assert.throws(() => read('301'), /CONFIG_CHECK_TIMEOUT must be at most 300 seconds/)
  })

  test('An empty value counts as not set', () => {
    const empty = Object.fromEntries(Object.keys(settings).map((name) => [name, '']))
    for (const who of programs)
      assert.deepEqual(
        readSettings(who, { ...empty, ...requiredSettings }),
        readSettings(who, requiredSettings),
      )
  })

  test('An invalid setting of another program does not stop a program', () => {
    assert.deepEqual(Object.keys(readSettings('migrate', { ...requiredSettings, PORT: 'x', LEASE: 'y' })), [
      'DATABASE_URL',
      'MIGRATION_DATABASE_URL',
      'LOG_LEVEL',
    ])
  })

  test('One error names every problem, each on its own line', () => {
    const problems = settingsErrors({
      DATABASE_URL: '',
      CHECK_INTERVAL: 'soon',
      ACTION_CONCURRENCY: '1.5',
      SECRET_KEYS: '(',
      INTERRUPTED_ACTIONS: 'maybe',
    })
    assert.equal(problems.length, 5)
    for (const expected of [
      /^DATABASE_URL is not set: PostgreSQL/,
      /^CHECK_INTERVAL must be a number of seconds/,
      /^ACTION_CONCURRENCY must be a whole number/,
      /^SECRET_KEYS is not a regular expression/,
      /^INTERRUPTED_ACTIONS /,
    ])
      assert.ok(
        problems.some((problem) => expected.test(problem)),
        String(expected),
      )
  })

  test('An error never shows the value, which may be a secret', () => {
    assert.doesNotMatch(settingsErrors({ SECRET_KEYS: '(hunter2' }).join(), /hunter2/)
  })

  test('A time limit fits into a timer, because Node fires a longer timer at once', () => {
    const timers: SettingName[] = [
      'CONTROL_SCRIPT_TIMEOUT',
      'CHECK_TIMEOUT',
      'SHUTDOWN_GRACE',
      'LEASE',
      'KILL_GRACE',
    ]
    for (const name of timers) {
      const [program] = settings[name].programs
      assert.match(settingsErrors({ [name]: '3000000' }, program).join(), new RegExp(`^${name} `))
      assert.deepEqual(
        settingsErrors({ LEASE: '2000000', [name]: name === 'KILL_GRACE' ? '900000' : '2000000' }, program),
        [],
      )
    }
    assert.deepEqual(settingsErrors({ ARCHIVE_RETENTION: '31536000', STATUS_UPDATE_TIMEOUT: '31536000' }), [])
  })

  test('A lease is long enough to end a script before it expires', () => {
    assert.match(
      settingsErrors({ LEASE: '10', KILL_GRACE: '5' }).join(),
      /^LEASE must be more than twice KILL_GRACE/,
    )
    assert.match(settingsErrors({ LEASE: '0' }).join(), /^LEASE /)
    assert.deepEqual(settingsErrors({ LEASE: '11', KILL_GRACE: '5' }), [])
  })

  test('APP_URL is split at commas, and trailing slashes are removed', () => {
    const read = readSettings('server', { ...requiredSettings, APP_URL: 'https://a.b/ , http://c:8080' })
    assert.deepEqual(read.APP_URL, ['https://a.b', 'http://c:8080'])
    assert.deepEqual(readSettings('server', requiredSettings).APP_URL, [])
  })

  test('APP_URL may have a path, the same for all hosts, and nothing after it', () => {
    const errorsOf = (APP_URL: string) => settingsErrors({ APP_URL }, 'server').join()
    for (const url of ['https://a.b/octopod/', 'http://[::1]:8080', 'https://a.b/x/y-z,https://c/x/y-z'])
      assert.equal(errorsOf(url), '')
    for (const url of [
      'octopod.example.com',
      'ftp://a.b',
      'https://a.b/?x',
      'https://u:p@a.b',
      'https://a.b/ü',
    ])
      assert.match(errorsOf(url), /^APP_URL .*must be addresses such as https:/, url)
    assert.match(
      errorsOf('https://a.b/x,https://c'),
      /^APP_URL: all addresses must have the same path.* \/x and \//,
    )
    assert.match(errorsOf('https://a.b/api'), /^APP_URL: \/api cannot be the path of the page/)
  })

  test('White space at the ends of a value is dropped, as of a secret that was made from a file', () => {
    const read = readSettings('server', {
      ANONYMOUS_ROLE: 'none\n',
      DATABASE_URL: ' postgres://db\n',
      REDIS_URL: 'redis://redis\r\n',
      POWER_AUTHORIZATION_HEADER: 'Basic b2N0bzpwdXM=\n',
      APP_AUTHORIZATION_HEADER: '\t\n',
      PORT: ' 9000 ',
    })
    assert.deepEqual(
      [
        read.DATABASE_URL,
        read.REDIS_URL,
        read.POWER_AUTHORIZATION_HEADER,
        read.APP_AUTHORIZATION_HEADER,
        read.PORT,
      ],
      ['postgres://db', 'redis://redis', ['Basic b2N0bzpwdXM='], [], 9000],
    )
    assert.throws(
      () => readSettings('server', { ...requiredSettings, DATABASE_URL: ' \n' }),
      /DATABASE_URL is not set/,
    )
  })

  const serverErrors = (environment: Record<string, string>) => {
    try {
      readSettings('server', { ...requiredSettings, ...environment })
    } catch (error) {
      return (error as Error).message
    }
    return ''
  }

  test('A header value beyond ASCII stops the start with the name of its setting, and is not shown', () => {
    for (const name of ['POWER_AUTHORIZATION_HEADER', 'APP_AUTHORIZATION_HEADER'])
      for (const value of [
        'Bearer pässword',
        'Bearer a\nBearer \u{1f511}',
        'Bearer \u{1f511}',
        'Bearer a\u0000b',
      ]) {
        assert.match(serverErrors({ [name]: value }), new RegExp(`^${name} is the value of a header`))
        assert.doesNotMatch(serverErrors({ [name]: value }), /Bearer/)
      }
    for (const value of ['X User', 'X-Ä', 'X:Y'])
      assert.equal(serverErrors({ ACTOR_HEADER: value }), 'ACTOR_HEADER is not the name of a header')
    assert.equal(serverErrors({ ACTOR_HEADER: 'X-Forwarded-User', TRUSTED_PROXIES: '10.0.0.1' }), '')
  })

  test('A shared credential may have several values, one a line', () => {
    const { POWER_AUTHORIZATION_HEADER, APP_AUTHORIZATION_HEADER } = readSettings('server', {
      ...requiredSettings,
      POWER_AUTHORIZATION_HEADER: 'Bearer new\n  Bearer old \n\n',
    })
    assert.deepEqual(POWER_AUTHORIZATION_HEADER, ['Bearer new', 'Bearer old'])
    assert.deepEqual(APP_AUTHORIZATION_HEADER, [])
  })

  test('A server starts only when somebody has said who may use it', () => {
    const nobody = /^Nobody could use this installation/
    assert.match(serverErrors({ ANONYMOUS_ROLE: '' }), nobody)
    assert.match(serverErrors({ ANONYMOUS_ROLE: '', POWER_AUTHORIZATION_HEADER: 'Bearer a' }), nobody)
    const users = { ANONYMOUS_ROLE: '', APP_AUTHORIZATION_HEADER: 'Bearer a' }
    assert.equal(serverErrors(users), '')
    assert.match(serverErrors({ ...users, SHARED_CREDENTIALS: 'off' }), nobody)
    assert.equal(
      serverErrors({ ANONYMOUS_ROLE: '', ACTOR_HEADER: 'X-User', TRUSTED_PROXIES: '10.0.0.1' }),
      '',
    )
    assert.match(serverErrors({ ANONYMOUS_ROLE: 'admin' }), /^ANONYMOUS_ROLE /)
  })

  test('Settings of signing in that do not fit together stop the start', () => {
    const oidc = {
      OIDC_ISSUER: 'https://login.example',
      OIDC_CLIENT_ID: 'octopod',
      APP_URL: 'https://octopod.example',
    }
    assert.equal(serverErrors(oidc), '')
    assert.match(serverErrors({ ...oidc, OIDC_CLIENT_ID: '' }), /needs OIDC_CLIENT_ID/)
    assert.match(serverErrors({ ...oidc, APP_URL: '' }), /needs APP_URL/)
    assert.match(serverErrors({ ...oidc, OIDC_ISSUER: 'http://login.example' }), /must begin with https:/)
    assert.equal(serverErrors({ ...oidc, OIDC_ISSUER: 'http://127.0.0.1:4000' }), '')
    assert.match(
      serverErrors({ ...oidc, OIDC_CLIENT_SECRET: 'a', OIDC_CLIENT_SECRET_FILE: '/b' }),
      /both set/,
    )
    assert.match(serverErrors({ ACTOR_HEADER: 'X-User' }), /ACTOR_HEADER needs TRUSTED_PROXIES/)
    assert.match(serverErrors({ GROUPS_HEADER: 'X-Groups' }), /GROUPS_HEADER needs ACTOR_HEADER/)
  })

  test('A number out of range stops the start with the name of its setting', () => {
    for (const name of ['PORT', 'METRICS_PORT']) {
      assert.equal(serverErrors({ [name]: '99999' }), `${name} must be at most 65535`)
      assert.equal(serverErrors({ [name]: '-1' }), `${name} must be at least 0`)
    }
    assert.equal(serverErrors({ PORT: '80.5' }), 'PORT must be a whole number')
    assert.equal(serverErrors({ DATABASE_POOL_SIZE: '1' }), 'DATABASE_POOL_SIZE must be at least 2')
    assert.deepEqual(settingsErrors({ ACTION_CONCURRENCY: '1e9' }), [
      'ACTION_CONCURRENCY must be at most 10000',
    ])
    assert.match(settingsErrors({ OUTPUT_LIMIT: '1e30' }).join(), /^OUTPUT_LIMIT must be/)
  })

  test('WEBHOOK_SECRETS takes every name, only secrets that can be decoded, and repeats none', () => {
    const secret = `whsec_${Buffer.alloc(24, 1).toString('base64')}`
    const read = readSettings('runner', {
      ...requiredSettings,
      WEBHOOK_SECRETS: `constructor=${secret}\nconstructor.url=https://example.com/`,
    }).WEBHOOK_SECRETS
    assert.deepEqual({ ...read }, { constructor: [secret], 'constructor.url': ['https://example.com/'] })
    assert.equal(readSettings('runner', requiredSettings).WEBHOOK_SECRETS.constructor, undefined)
    for (const wrong of [
      `${secret}A`,
      `${secret}AB`,
      `${secret.slice(0, -1)}==`,
      'whsec_AAAA',
      secret.slice(6),
    ]) {
      const [problem = '', ...more] = settingsErrors({ WEBHOOK_SECRETS: `ci=${secret}\nci=${wrong}` })
      assert.match(problem, /^WEBHOOK_SECRETS line 2: /, wrong)
      assert.equal(more.length, 0)
      assert.ok(!problem.includes(wrong))
    }
  })
})
