/** Servers and runners on real Redis servers as people have them: few rights, TLS, Sentinel, Cluster, Valkey, replicas. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createCertificateAuthority } from '../../db/configurations/certificates.ts'
import { missingPrograms } from '../../db/configurations/installed.ts'
import {
  documentedRedisUser,
  type RedisServer,
  type RedisServerOptions,
  startRedisServer,
} from '../../db/configurations/redis-server.ts'
import { adminHeaders, createApiClient, getActionId } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { complaints, failToStart, runWholeFlow } from './whole-flow.ts'

/** Starts Redis and Octopod for one test, and stops both. */
async function withRedis(
  options: RedisServerOptions,
  environment: (redis: RedisServer) => Record<string, string>,
  work: (system: System, redis: RedisServer) => Promise<void>,
): Promise<void> {
  const redis = await startRedisServer(options)
  try {
    const system = await startSystem({ env: { CHECK_INTERVAL: '1', ...environment(redis) } })
    try {
      await work(system, redis)
    } finally {
      await system.stop()
    }
  } finally {
    await redis.stop()
  }
}

const plain = ({ port }: RedisServer) => ({ REDIS_URL: `redis://127.0.0.1:${port}/0` })

suite('rights', { skip: missingPrograms('redis-server') }, () => {
  const asUser = ({ port }: RedisServer) => ({
    REDIS_URL: `redis://octopod:PASSWORD@127.0.0.1:${port}/0`,
    REDIS_PREFIX: 'octopod',
  })

  test('A user with exactly the documented rights is enough', async () => {
    await withRedis({ config: [await documentedRedisUser()] }, asUser, async (system, redis) => {
      await runWholeFlow(system)
      assert.deepEqual(await redis.admin('acl', 'log'), [], 'Redis has denied nothing')
    })
  })

  test('Missing rights are named at the start, and actions run as without Redis', async () => {
    const line = (await documentedRedisUser()).replace('+client|list', '+client|list -evalsha -publish')
    await withRedis({ config: [line] }, asUser, async (system) => {
      for (const program of [system.server, system.runner])
        assert.match(
          complaints(program).join('\n'),
          /The user of REDIS_URL may not use publish, evalsha, .*give it the rights in docs\/install.md/,
        )
      await worksWithout(system)
    })
  })

  test('Rights for another prefix are named at the start', async () => {
    const line = await documentedRedisUser()
    await withRedis(
      { config: [line] },
      (redis) => ({ ...asUser(redis), REDIS_PREFIX: 'other' }),
      async (system) => {
        assert.match(complaints(system.server).join('\n'), /may not use .*get, set, /)
        await worksWithout(system)
      },
    )
  })
})

/** No answer is 500, and accepted actions run. */
async function worksWithout(system: System): Promise<void> {
  const octopod = createApiClient(system.url)
  const reply = await octopod.create('shop', { 'behave.config_check': 'print fine' })
  assert.equal(reply.status, 200, reply.text)
  assert.equal((await octopod.waitForActionEnd(getActionId(reply))).state, 'succeeded')
  for (const path of ['/deployments', '/deployments/shop/full_info', '/deployments/shop/actions'])
    assert.equal((await octopod.api('GET', path)).status, 200, path)
  for (const path of ['/deployment_overrides', '/deployments/shop/info', '/deployments/shop/app_logs']) {
    const status = await statusOf(`${system.url}/api/v1${path}`)
    // 504: the server has the only connection that Redis allows, and no runner can answer.
    assert.ok([200, 503, 504].includes(status), `${path}: ${status}`)
  }
  await octopod.waitForStatus('shop', 'Running')
  const hanging = getActionId(await octopod.update('shop', { 'behave.update': 'hang' }))
  await waitFor('the script runs', async () => {
    const { state } = (await octopod.api('GET', `/actions/${hanging}`)).body as { state: string }
    return { done: state === 'running', value: null, seen: state }
  })
  assert.equal((await octopod.api('POST', `/actions/${hanging}/cancel`)).status, 200)
  assert.equal((await octopod.waitForActionEnd(hanging)).state, 'cancelled')
  assert.equal(await system.server.stop(), 0)
  assert.equal(await system.runner.stop(), 0)
  // No program has retried without a pause.
  for (const { lines } of [system.server, system.runner])
    assert.ok(lines.length < 200, lines.slice(-20).join('\n'))
}

/** Does not read the body, which may have no end. */
async function statusOf(url: string): Promise<number> {
  const abort = new AbortController()
  const { status } = await fetch(url, { headers: adminHeaders, signal: abort.signal })
  abort.abort()
  return status
}

suite('TLS', { skip: missingPrograms('redis-server', 'openssl') }, () => {
  test('A private CA and a client certificate are files that settings name', async () => {
    const authority = createCertificateAuthority()
    try {
      const server = authority.issue('server', 'DNS:localhost')
      const client = authority.issue('client')
      const files = { REDIS_CA_FILE: authority.ca, REDIS_CERT_FILE: client.cert, REDIS_KEY_FILE: client.key }
      await withRedis(
        { tls: { ...server, ca: authority.ca }, config: ['tls-auth-clients yes'] },
        ({ port }) => ({ REDIS_URL: `rediss://localhost:${port}/0`, ...files }),
        async (system) => {
          await runWholeFlow(system)
          const { REDIS_CA_FILE: _, ...unverified } = system.environment
          const strict = await system.startServer({
            REDIS_CA_FILE: '',
            REDIS_URL: unverified.REDIS_URL ?? '',
          })
          assert.match(complaints(strict).join('\n'), /unable to verify|self-signed/)
          const { body } = await createApiClient(strict.url).call('GET', '/readyz')
          assert.equal((body as { redis: string }).redis, 'unreachable')
        },
      )
    } finally {
      authority.remove()
    }
  })

  test('A file that cannot be read stops the start', async () => {
    const environment = {
      ...baseEnvironment(),
      REDIS_URL: 'rediss://localhost:1/0',
      REDIS_CA_FILE: '/nowhere/ca.crt',
    }
    assert.match(await failToStart('server', environment), /REDIS_CA_FILE cannot be read: ENOENT/)
  })
})

const baseEnvironment = () => ({
  PATH: process.env.PATH ?? '',
  DATABASE_URL: process.env.TEST_DATABASE_URL ?? '',
  CONTROL_SCRIPTS_DIR: new URL('../../scripts/configurable', import.meta.url).pathname,
  ANONYMOUS_ROLE: 'developer',
  PORT: '0',
  HOST: '127.0.0.1',
})

suite('kinds of servers', () => {
  test('Valkey works', { skip: missingPrograms('valkey-server') }, () =>
    withRedis({ program: 'valkey-server' }, plain, runWholeFlow),
  )

  const skip = missingPrograms('redis-server')

  test('Sentinels name the primary, also the next one', { skip }, async () => {
    const first = await startRedisServer({ config: ['requirepass pw', 'masterauth pw'] })
    const second = await startRedisServer({
      config: ['requirepass pw', 'masterauth pw', `replicaof 127.0.0.1 ${first.port}`],
    })
    const sentinel = await startRedisServer({
      isSentinel: true,
      config: [
        `sentinel monitor octopod 127.0.0.1 ${first.port} 1`,
        ...['sentinel auth-pass octopod pw', 'sentinel down-after-milliseconds octopod 5000'],
        // A failover that did not succeed is tried again after twice this time.
        'sentinel failover-timeout octopod 2000',
      ],
    })
    try {
      const url = `redis-sentinel://:pw@127.0.0.1:${sentinel.port},127.0.0.1:1/0?sentinelMasterId=octopod`
      const system = await startSystem({ env: { CHECK_INTERVAL: '1', REDIS_URL: url } })
      try {
        await runWholeFlow(system)
        await waitFor('the replica is known', async () => {
          const replicas = (await sentinel.admin('sentinel', 'replicas', 'octopod')) as unknown[]
          return { done: replicas.length === 1, value: null }
        })
        // Refused until the replica has its first copy of the data.
        await waitFor('the failover begins', async () => {
          const seen = await sentinel.admin('sentinel', 'failover', 'octopod').catch(String)
          return { done: seen === 'OK', value: null, seen }
        })
        await waitFor('the replica is the primary', async () => {
          const seen = await sentinel.admin('sentinel', 'get-master-addr-by-name', 'octopod')
          return { done: (seen as string[])[1] === String(second.port), value: null, seen }
        })
        await first.stop()
        const octopod = createApiClient(system.url)
        await waitFor('the next primary is used', async () => {
          const { status } = await octopod.api('GET', '/deployment_overrides')
          return { done: status === 200, value: null, seen: status }
        })
      } finally {
        await system.stop()
      }
    } finally {
      for (const server of [sentinel, second, first]) await server.stop()
    }
  })

  test('A Redis Cluster and the port of a Sentinel stop the start with what to name', { skip }, async () => {
    const cluster = await startRedisServer({ config: ['cluster-enabled yes'] })
    const sentinel = await startRedisServer({ isSentinel: true })
    try {
      for (const program of ['server', 'runner'] as const) {
        const environment = (server: RedisServer) => ({ ...baseEnvironment(), ...plain(server) })
        assert.match(
          await failToStart(program, environment(cluster)),
          /REDIS_URL leads to a Redis Cluster, .*: name a Redis without cluster mode/,
        )
        assert.match(
          await failToStart(program, environment(sentinel)),
          /REDIS_URL leads to a Sentinel .*redis-sentinel:/,
        )
      }
    } finally {
      await Promise.all([cluster.stop(), sentinel.stop()])
    }
  })

  test('A memory policy that removes keys is named at the start, and actions run', { skip }, () =>
    withRedis({ config: ['maxmemory 100mb', 'maxmemory-policy allkeys-lru'] }, plain, async (system) => {
      for (const program of [system.server, system.runner])
        assert.match(
          complaints(program).join('\n'),
          /set its maxmemory-policy to noeviction, now allkeys-lru/,
        )
      const octopod = createApiClient(system.url)
      await octopod.create('shop')
      await octopod.waitForStatus('shop', 'Running')
    }),
  )
})

suite('a Redis that refuses', { skip: missingPrograms('redis-server'), concurrency: 2 }, () => {
  test('A replica is named at the start, and accepted actions run', () =>
    withRedis({ config: ['replicaof 127.0.0.1 1'] }, plain, async (system) => {
      assert.match(complaints(system.server).join('\n'), /REDIS_URL leads to a replica/)
      await worksWithout(system)
    }))

  test('While its memory is full, accepted actions run', () =>
    withRedis({}, plain, async (system, redis) => {
      await redis.admin('config', 'set', 'maxmemory', '1')
      await worksWithout(system)
    }))

  test('While it takes no more connections, accepted actions run', () =>
    withRedis({ config: ['maxclients 1'] }, plain, worksWithout))

  test('With a wrong password accepted actions run', () =>
    withRedis(
      { config: ['requirepass right'] },
      ({ port }) => ({ REDIS_URL: `redis://:wrong@127.0.0.1:${port}/0` }),
      worksWithout,
    ))

  test('A replica that was the primary is left once it is the primary again', () =>
    withRedis({}, plain, async (system, redis) => {
      await redis.admin('replicaof', '127.0.0.1', '1')
      const octopod = createApiClient(system.url)
      assert.equal((await octopod.api('GET', '/deployment_overrides')).status, 503)
      await redis.admin('replicaof', 'no', 'one')
      await waitFor('Redis is used again', async () => {
        const { status } = await octopod.api('GET', '/deployment_overrides')
        return { done: status === 200, value: null, seen: status }
      })
    }))
})
