/**
 * Servers and runners as other clusters start them: only with IPv6, with an identity provider behind a private CA, and with a
 * read-only file system, any user, no HOME and few open files.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createTlsServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'
import { freePort, portError } from '../../../lib/node/ports.ts'
import { type ReadyProgram, startProgram } from '../../../lib/node/start-program.ts'
import { createCertificateAuthority } from '../../db/configurations/certificates.ts'
import { missingPrograms } from '../../db/configurations/installed.ts'
import { createApiClient, getActionId } from '../../helpers/api-client.ts'
import { createBrowser } from '../../helpers/oidc/signed-in-system.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { startTcpProxy, type TcpProxy } from '../../helpers/tcp-proxy.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { runOcto } from '../../octo/fake-server.ts'
import { runWholeFlow } from '../configurations/whole-flow.ts'

let system: System
before(async () => {
  system = await startSystem({ runner: false })
})
after(() => system?.stop())

const withoutIpv6 = (await portError(0, '::1')) !== null && 'this machine has no address of IPv6'

suite('IPv6', { skip: withoutIpv6 }, () => {
  test('Everything works with addresses of IPv6 only: stores, server, octo', async () => {
    const stores: TcpProxy[] = []
    const through = async (url: string) => {
      const proxy = await startTcpProxy(url, '::1')
      stores.push(proxy)
      return proxy.url
    }
    const own = {
      DATABASE_URL: await through(system.environment.DATABASE_URL ?? ''),
      REDIS_URL: await through(system.environment.REDIS_URL ?? ''),
      TRUSTED_PROXIES: '::1',
    }
    assert.match(own.DATABASE_URL, /@\[::1\]:/)
    const port = await freePort('::1')
    const url = `http://[::1]:${port}`
    const server = await system.startServer({ ...own, HOST: '::1', PORT: String(port), APP_URL: url })
    const runner = await system.startRunner(own)
    await runWholeFlow({ ...system, url, server, runner })
    const listed = await runOcto({ OCTOPOD_URL: url }, 'create', '-n', 'by-octo', '--wait')
    assert.equal(listed.code, 0, listed.stderr)
    const answer = await fetch(`${url}/config.json`)
    assert.equal(((await answer.json()) as { app_url: string }).app_url, url)
    assert.equal(await server.stop(), 0)
    assert.equal(await runner.stop(), 0)
    for (const store of stores) await store.close()
  })
})

suite('an identity provider with a private CA', { skip: missingPrograms('openssl') }, () => {
  const authority = createCertificateAuthority()
  let provider: Server
  let issuer: string
  before(async () => {
    const { cert, key } = authority.issue('provider', 'DNS:localhost')
    provider = createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_, response) => {
      response.setHeader('Content-Type', 'application/json')
      const paths = ['authorization', 'token', 'userinfo', 'jwks', 'introspection']
      const endpoints = paths.map((path) => [
        path === 'jwks' ? 'jwks_uri' : `${path}_endpoint`,
        `${issuer}/${path}`,
      ])
      const lists = {
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      }
      response.end(JSON.stringify({ issuer, ...Object.fromEntries(endpoints), ...lists }))
    })
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', () => resolve()))
    issuer = `https://localhost:${(provider.address() as AddressInfo).port}`
  })
  after(() => {
    provider.closeAllConnections()
    provider.close()
    authority.remove()
  })

  test('With NODE_EXTRA_CA_CERTS it is reached, without it the log names that variable', async () => {
    const oidc = { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: 'octopod', OIDC_CLIENT_SECRET: 'secret' }
    for (const [ca, expected] of [
      [authority.ca, 303],
      ['', 503],
    ] as const) {
      const port = String(await freePort())
      const environment = {
        ...oidc,
        PORT: port,
        APP_URL: `http://127.0.0.1:${port}`,
        NODE_EXTRA_CA_CERTS: ca,
      }
      const server = await system.startServer(environment)
      const answer = await createBrowser(server.url).request('GET', '/auth/login')
      assert.equal(answer.status, expected, answer.text)
      const log = server.lines.join('\n')
      if (expected === 503) assert.match(log, /set NODE_EXTRA_CA_CERTS to the file of its CA/)
      else assert.ok(answer.headers.get('location')?.startsWith(`${issuer}/authorization?`))
      await server.stop()
    }
  })
})

const root = fileURLToPath(new URL('../../..', import.meta.url))
const strangeUser = ['setpriv', '--reuid', '12345', '--regid', '12345', '--clear-groups']

/** Why the programs cannot be started under another user. */
function cannotConfine(): string | false {
  const missing = missingPrograms('setpriv', 'prlimit')
  if (missing !== false) return missing
  if (process.getuid?.() !== 0) return 'only root can start a program under another user'
  const [program = '', ...args] = [
    ...strangeUser,
    'test',
    '-x',
    process.execPath,
    '-a',
    '-r',
    join(root, 'package.json'),
  ]
  return spawnSync(program, args).status !== 0 && 'another user cannot read this folder'
}

suite('a confined program', { skip: cannotConfine() }, () => {
  /** The only folder that can be written. */
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'octopod-confined-'))
    chmodSync(folder, 0o1777)
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  /** Makes all but the folder read-only, where this machine allows it. Otherwise the user can write nowhere else anyway. */
  const readOnly = () => {
    const script = 'mount --make-rprivate / && mount --bind "$0" "$0" && mount -o remount,bind,ro /'
    const command = (end: string) => ['unshare', '--mount', 'sh', '-c', `${script} ${end}`, folder]
    const [program = '', ...args] = command('&& true')
    return spawnSync(program, args).status === 0 ? command('&& exec "$@"') : []
  }
  async function start(file: string, readyText: string, openFiles: number, more: Record<string, string>) {
    const { HOME: _, USER: __, ...environment } = system.environment
    const lines: string[] = []
    const [program = '', ...args] = [
      ...readOnly(),
      ...['prlimit', `--nofile=${openFiles}`, ...strangeUser, process.execPath, join(root, file)],
    ]
    const started = await startProgram({
      name: file,
      file: program,
      args,
      env: { ...environment, TMPDIR: folder, OCTOPOD_TEST_DIR: folder, PORT: '0', ...more },
      onLine: (line) => lines.push(line),
      readyText: `"${readyText}"`,
    })
    const { port } = JSON.parse(started.readyLine) as { port?: number }
    return { ...started, lines, url: `http://127.0.0.1:${port}` }
  }
  const startServer = (openFiles = 256) => start('functions/server.ts', 'server ready', openFiles, {})

  test('Server and runner work with any user, no HOME, 256 open files and one folder for writing', async () => {
    const heartbeat = { HEARTBEAT_FILE: join(folder, 'heartbeat') }
    const server = await startServer()
    const runner = await start('runner/main.ts', 'runner ready', 256, heartbeat)
    try {
      const octopod = createApiClient(server.url)
      const names = Array.from({ length: 12 }, (_, index) => `confined-${index}`)
      const actions = await Promise.all(
        names.map(async (name) => {
          const reply = await octopod.create(name)
          assert.equal(reply.status, 200, reply.text)
          return getActionId(reply)
        }),
      )
      for (const action of actions) assert.equal((await octopod.waitForActionEnd(action)).state, 'succeeded')
      assert.equal((await fetch(`${server.url}/`, { headers: { Accept: 'text/html' } })).status, 200)
      for (const { lines } of [server, runner])
        assert.deepEqual(
          lines.filter((line) => /EACCES|EROFS|EMFILE|"level":[56]0/.test(line)),
          [],
        )
    } finally {
      assert.equal((await server.stop()).code, 0)
      assert.equal((await runner.stop()).code, 0)
    }
  })

  test('More connections than open files are refused, the others are served, and nothing runs in a loop', async () => {
    const server = await startServer()
    const sockets: WebSocket[] = []
    try {
      assert.match(server.lines.join('\n'), /lets \d+ clients connect at a time: raise it \(ulimit -n\)/)
      let opened = 0
      let refused = 0
      for (let index = 0; index < 300; index += 1) {
        const socket = new WebSocket(`${server.url.replace('http', 'ws')}/event`)
        socket.on('open', () => {
          opened += 1
        })
        socket.on('error', () => {
          refused += 1
        })
        sockets.push(socket)
      }
      await waitFor('all are open or refused', async () => {
        const seen = { opened, refused }
        return { done: opened + refused === sockets.length, value: null, seen }
      })
      assert.ok(opened > 100 && refused > 50, `${opened} opened, ${refused} refused`)
      const before = cpuSeconds(server)
      await new Promise((resolve) => setTimeout(resolve, 1000))
      assert.ok(cpuSeconds(server) - before < 0.5, 'the server has waited')
      for (const socket of sockets.slice(0, 200)) socket.terminate()
      await waitFor('requests are answered again', async () => {
        const answer = await createApiClient(server.url)
          .api('GET', '/deployments')
          .catch((error) => ({ status: String(error) }))
        return { done: answer.status === 200, value: null, seen: answer.status }
      })
      assert.ok(server.lines.length < 50, server.lines.slice(-10).join('\n'))
    } finally {
      for (const socket of sockets) socket.terminate()
      assert.equal((await server.stop()).code, 0)
    }
  })

  test('Too few open files stop the start with the number that is needed', async () => {
    const error = await startServer(100).catch((reason: Error) => reason)
    assert.ok(error instanceof Error)
    assert.match(
      error.message,
      /The limit of open files is 100, and the server needs 128: raise it \(ulimit -n\)/,
    )
  })
})

/** User and system time of a process so far. */
function cpuSeconds({ pid }: ReadyProgram): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  const ticks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
  return (Number(fields[11]) + Number(fields[12])) / ticks
}
