/** The addresses of PostgreSQL and Redis: what is understood, and what stops the start. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readDatabaseUrl } from '../../../domain/settings/database-url.ts'
import { readSettings, SettingsError } from '../../../domain/settings/read-settings.ts'
import { readRedisUrl } from '../../../domain/settings/redis-url.ts'

const required = { DATABASE_URL: 'postgres://db', REDIS_URL: 'redis://redis' }
function problemOf(settings: Record<string, string>): string {
  try {
    readSettings('runner', { ...required, ...settings })
    return ''
  } catch (error) {
    assert.ok(error instanceof SettingsError)
    return error.message
  }
}
const defined = (value: object) =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined))

suite('DATABASE_URL', () => {
  test('User, password, host, port, database and parameters are read', () => {
    assert.deepEqual(
      defined(readDatabaseUrl('postgres://app:p%40ss%2Fw%25rd@db.example.com:6432/octopod?sslmode=require')),
      {
        host: 'db.example.com',
        port: 6432,
        database: 'octopod',
        user: 'app',
        password: 'p@ss/w%rd',
        sslMode: 'require',
      },
    )
    assert.deepEqual(
      defined(
        readDatabaseUrl(
          'postgresql:///octopod?host=/run/postgresql&application_name=x&options=-c%20search_path%3Da',
        ),
      ),
      {
        host: '/run/postgresql',
        database: 'octopod',
        applicationName: 'x',
        options: '-c search_path=a',
        sslMode: 'prefer',
      },
    )
    assert.equal(readDatabaseUrl('postgres://[::1]:5432/octopod').host, '::1')
    assert.equal(readDatabaseUrl('postgres://db/octopod?user=app@server&password=a').user, 'app@server')
  })

  test('A password with a character that must be encoded stops the start, and no piece of it is shown', () => {
    for (const password of [
      'hunter2/x',
      'hunter2?x',
      'hunter2#x',
      'hunter2%x',
      '77/hunter2',
      '77?hunter2',
      '77#hunter2',
    ])
      for (const name of ['DATABASE_URL', 'REDIS_URL']) {
        const scheme = name === 'DATABASE_URL' ? 'postgres' : 'redis'
        const problem = problemOf({ [name]: `${scheme}://app:${password}@store.example.com/0` })
        assert.match(problem, new RegExp(`^${name} cannot be read as ${scheme}://.* % as %25, `), password)
        assert.doesNotMatch(problem, /hunter2|77|example/)
      }
  })

  test('Other characters of a password work as they are', () => {
    for (const password of ['a@b', 'a:b', 'a,b', 'a&b=c', 'a+b', 'a~!$*()[b'])
      assert.equal(readDatabaseUrl(`postgres://app:${password}@db:5432/octopod`).password, password)
  })

  test('Several hosts are refused with what to name instead', () => {
    for (const hosts of ['db1:5432,db2:5432', 'db1,db2', 'db1:5432,db2'])
      for (const url of [`postgres://app:pw@${hosts}/octopod`, `postgres://${hosts}/octopod`])
        assert.match(
          problemOf({ DATABASE_URL: url }),
          /^DATABASE_URL names several hosts, .*: name one address/,
        )
    assert.match(
      problemOf({ DATABASE_URL: 'postgres:///octopod?host=db1,db2' }),
      /^DATABASE_URL names several hosts/,
    )
  })

  test('Another scheme, an unknown sslmode and parameters that contradict each other are refused', () => {
    const cases: [url: string, problem: RegExp][] = [
      ['mysql://app:pw@db/octopod', /must begin with postgres:\/\//],
      ['db:5432', /must begin with postgres:\/\//],
      ['postgres://db/octopod?sslmode=on', /unknown sslmode: use one of disable, allow, prefer, require/],
      ['postgres://db/octopod?sslmode=verify-ca', /sslmode=verify-ca, which needs sslrootcert/],
      ['postgres://db/octopod?sslmode=require&sslrootcert=system', /needs sslmode=verify-full/],
      ['postgres://db/octopod?sslcert=/a', /only one of sslcert and sslkey/],
    ]
    for (const [url, problem] of cases) assert.match(problemOf({ DATABASE_URL: url }), problem)
  })
})

suite('REDIS_URL', () => {
  test('User, password, host, port, database and TLS are read', () => {
    assert.deepEqual(readRedisUrl('rediss://app:p%40ss@redis.example.com:6380/3'), {
      hosts: [{ host: 'redis.example.com', port: 6380 }],
      username: 'app',
      password: 'p@ss',
      db: 3,
      isTls: true,
      sentinel: undefined,
    })
    const { hosts, password, username, db } = readRedisUrl('redis://:pw@redis')
    assert.deepEqual([hosts, username, password, db], [[{ host: 'redis', port: 6379 }], undefined, 'pw', 0])
  })

  test('Sentinels are read, with the name of the primary and their own password', () => {
    assert.deepEqual(
      readRedisUrl(
        'redis-sentinel://app:pw@s1:26379,s2,[::1]:5/2?sentinelMasterId=octopod&sentinelPassword=s%2Fp',
      ),
      {
        hosts: [
          { host: 's1', port: 26379 },
          { host: 's2', port: 26379 },
          { host: '::1', port: 5 },
        ],
        username: 'app',
        password: 'pw',
        db: 2,
        isTls: false,
        sentinel: { masterName: 'octopod', username: undefined, password: 's/p' },
      },
    )
    assert.equal(readRedisUrl('rediss-sentinel://s1').sentinel?.masterName, 'mymaster')
  })

  test('Several hosts, another scheme and a name of a database are refused', () => {
    assert.match(
      problemOf({ REDIS_URL: 'redis://:pw@a:1,b:2/0' }),
      /^REDIS_URL names several hosts: .*redis-sentinel/,
    )
    assert.match(problemOf({ REDIS_URL: 'redis.example.com:6379' }), /^REDIS_URL must begin with redis:\/\//)
    assert.match(problemOf({ REDIS_URL: 'redis://redis/octopod' }), /^REDIS_URL must end with the number/)
  })
})
