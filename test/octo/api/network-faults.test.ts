/** octo on a bad network: broken connections while waiting and following, failing servers, proxies, TLS, retries. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { type OutputChunk, outputChunk } from '../../../domain/schemas.ts'
import { streamOutput } from '../../../octo/actions/stream-output.ts'
import { waitFor } from '../../../octo/actions/wait-and-follow.ts'
import { createApiClient } from '../../../octo/api/client.ts'
import { readConnection } from '../../../octo/api/connection.ts'
import type { CliError } from '../../../octo/errors/cli-error.ts'
import { fakeServer, runOcto, success } from '../fake-server.ts'
import { fullInfo, summary } from '../wire-fixtures.ts'

async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => {
    server.close()
    if ('closeAllConnections' in server) (server as ReturnType<typeof createHttpServer>).closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

const createClient = (t: TestContext, url: string, retries = '0') => {
  const client = createApiClient(readConnection({ OCTOPOD_URL: url, OCTO_RETRIES: retries }))
  t.after(() => client.close())
  return client
}

const chunk = (seq: number): OutputChunk =>
  outputChunk.parse({ seq, stream: 'stdout', text: `line ${seq}\n`, at: '2026-03-01T10:00:00.000Z' })
const chunkEvent = (seq: number) => `id: ${seq}\nevent: chunk\ndata: ${JSON.stringify(chunk(seq))}\n\n`
const endEvent = 'id: 9\nevent: end\ndata: {"state":"succeeded"}\n\n'

/** A server of output streams: each connection gets its text from `streams` and is then destroyed. */
async function startStreamServer(t: TestContext, streams: (string | null)[]) {
  const requests: string[] = []
  const server = createHttpServer((request, response) => {
    requests.push(request.url ?? '')
    response.setHeader('octopod-version', '2.0')
    if (!request.url?.includes('/stream')) {
      const query = new URL(request.url ?? '', 'http://host').searchParams
      const chunks = [1, 2, 3].filter((seq) => seq > Number(query.get('after'))).map(chunk)
      response.setHeader('content-type', 'application/json')
      return response.end(JSON.stringify({ chunks, done: true, state: 'failed' }))
    }
    const text = streams.shift()
    if (text === undefined || text === null) return request.socket.destroy()
    response.setHeader('content-type', 'text/event-stream')
    response.write(text, () => setTimeout(() => request.socket.destroy(), 20))
  })
  return { url: `http://127.0.0.1:${await listen(t, server)}`, requests }
}

async function followStream(t: TestContext, url: string, options: { reportAfterMs?: number } = {}) {
  const connectionLosses: CliError[] = []
  const onConnectionLost = (failure: CliError) => connectionLosses.push(failure)
  const following = streamOutput(createClient(t, url), 7, {
    onConnectionLost,
    initialBackoffMs: 5,
    ...options,
  })
  const texts: string[] = []
  for (;;) {
    const { value, done } = await following.next()
    if (done) return { texts, state: value, connectionLosses: connectionLosses.length }
    texts.push(value.text)
  }
}

suite('octo on a bad network', { concurrency: 4 }, () => {
  test('Followed output continues after every broken connection, each chunk once', async (t) => {
    const half = chunkEvent(3).slice(0, 30)
    const { url, requests } = await startStreamServer(t, [
      chunkEvent(1) + chunkEvent(2) + half,
      null,
      chunkEvent(2) + chunkEvent(3),
      endEvent,
    ])
    const { texts, state } = await followStream(t, url)
    assert.deepEqual([texts, state], [['line 1\n', 'line 2\n', 'line 3\n'], 'succeeded'])
    assert.deepEqual(
      requests.map((one) => one.split('after=')[1]),
      ['0', '2', '2', '3'],
    )
  })

  test('When streams are empty, output is read page by page', async (t) => {
    const { url, requests } = await startStreamServer(t, ['retry: 2000\n\n', ': still here\n\n'])
    const { texts, state } = await followStream(t, url)
    assert.deepEqual([texts.length, state], [3, 'failed'])
    assert.match(requests.at(-1) ?? '', /\/output\?after=0$/)
  })

  test('A damaged chunk is requested again', async (t) => {
    const { url } = await startStreamServer(t, [
      `${chunkEvent(1)}id: 2\nevent: chunk\ndata: {"seq":\n\n`,
      chunkEvent(2) + endEvent,
    ])
    assert.deepEqual((await followStream(t, url)).texts, ['line 1\n', 'line 2\n'])
  })

  test('Waiting survives a temporary outage and a websocket that never opens', async (t) => {
    let fetchCount = 0
    const busy = { ...summary, state: 'running' }
    const done = { ...summary, state: 'succeeded', finished_at: summary.started_at, exit_code: 0 }
    const status = { tag: 'DeploymentNotPending', recorded_status: { tag: 'Running' } }
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments/x1/full_info': () => {
        fetchCount += 1
        if (fetchCount === 2) return { status: 503, type: 'text/html', body: '<html>' }
        if (fetchCount === 3) return { body: 'garbage' }
        return {
          body: fullInfo('x1', fetchCount < 4 ? { last_action: busy } : { last_action: done, status }),
        }
      },
    })
    const outages: CliError[] = []
    await waitFor(
      createClient(t, fake.url),
      { name: 'x1', targetState: 'Running', actionId: 7 },
      {
        deadlineMs: performance.now() + 5000,
        pollIntervalMs: { live: 20, offline: 20 },
        onServerDown: (failure) => outages.push(failure),
      },
    )
    assert.equal(fetchCount, 4)
    assert.equal(outages.length, 1)
  })

  test('Waiting fails after a long outage, and at once after a refused request', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments/x1/full_info': { status: 502, body: '' },
      'GET /api/v1/deployments/x2/full_info': {
        status: 401,
        body: { tag: 'AppError', error_message: 'No.', code: 'unauthenticated' },
      },
    })
    const wait = (name: string) =>
      waitFor(
        createClient(t, fake.url),
        { name, targetState: 'Running', actionId: null },
        {
          deadlineMs: performance.now() + 5000,
          maxDowntimeMs: 100,
          pollIntervalMs: { live: 20, offline: 20 },
        },
      ).then(
        () => 'arrived',
        (failure: CliError) => failure.kind,
      )
    assert.deepEqual(await Promise.all([wait('x1'), wait('x2')]), ['broken', 'not_allowed'])
  })

  test('A temporary failure is retried, a write with the same key', async (t) => {
    const answers = [{ status: 503, type: 'text/html', body: '<html>' }, { status: 502, body: '' }, success]
    const fake = await fakeServer(t, {
      'DELETE /api/v1/deployments/feature-1': () => answers.shift() ?? success,
    })
    const result = await runOcto({ OCTOPOD_URL: fake.url, OCTO_RETRIES: '3' }, 'archive', '-n', 'feature-1')
    assert.deepEqual(result, { code: 0, stdout: '', stderr: '' })
    const keys = fake.requests.map(({ headers }) => headers['idempotency-key'])
    assert.equal(keys.length, 3)
    assert.equal(new Set(keys).size, 1)
  })

  test('A broken connection is retried, a refused request is not', async (t) => {
    const fake = await fakeServer(t, { 'GET /api/v1/deployment_names': { body: ['here'] } })
    let connectionLosses = 0
    const flakyProxy = createServer((socket) => {
      connectionLosses += 1
      if (connectionLosses < 3) return socket.once('data', () => socket.destroy())
      return relay(socket, Number(new URL(fake.url).port))
    })
    const url = `http://127.0.0.1:${await listen(t, flakyProxy)}`
    assert.equal((await runOcto({ OCTOPOD_URL: url, OCTO_RETRIES: '3' }, 'list')).stdout, 'here\n')
    const missing = await runOcto({ OCTOPOD_URL: fake.url, OCTO_RETRIES: '3' }, 'info', '-n', 'nope')
    assert.equal(missing.code, 5)
    assert.equal(fake.requests.filter(({ path }) => path.endsWith('/nope/info')).length, 1)
  })

  test('A proxy is used for http and https with its password, unless NO_PROXY excludes the host', async (t) => {
    const fake = await fakeServer(t, { 'GET /api/v1/deployment_names': { body: ['behind'] } })
    const { port, seen: proxiedRequests } = await startProxy(t)
    const environment = { OCTOPOD_URL: fake.url, http_proxy: `http://ann:pass@127.0.0.1:${port}` }
    assert.equal((await runOcto(environment, 'list')).stdout, 'behind\n')
    assert.deepEqual(proxiedRequests, [
      `GET ${fake.url}/api/v1/deployment_names Basic ${Buffer.from('ann:pass').toString('base64')}`,
    ])
    assert.equal((await runOcto({ ...environment, NO_PROXY: '127.0.0.1' }, 'list')).stdout, 'behind\n')
    assert.equal(proxiedRequests.length, 1)
    const refused = await runOcto(
      { ...environment, HTTP_PROXY: '', http_proxy: 'http://ann:pass@127.0.0.1:1' },
      'list',
    )
    assert.equal(refused.code, 7)
    assert.match(refused.stderr, /through the proxy 127\.0\.0\.1:1, unless NO_PROXY/)
    assert.doesNotMatch(refused.stderr, /pass/)
    const wrong = await runOcto({ OCTOPOD_URL: fake.url, HTTP_PROXY: 'gopher://x' }, 'list')
    assert.equal(wrong.code, 2)
  })

  test('A proxy without a scheme works for http, as in curl', async (t) => {
    const fake = await fakeServer(t, { 'GET /api/v1/deployment_names': { body: ['behind'] } })
    const { port, seen: proxiedRequests } = await startProxy(t)
    for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY'])
      for (const proxy of [`127.0.0.1:${port}`, `localhost:${port}/`, `ann:pass@127.0.0.1:${port}`])
        assert.deepEqual(await runOcto({ OCTOPOD_URL: fake.url, [name]: proxy }, 'list'), {
          code: 0,
          stdout: 'behind\n',
          stderr: '',
        })
    assert.equal(proxiedRequests.length, 9)
  })

  test('An unknown issuer is an error, and trusted with its CA file, also through a proxy', async (t) => {
    const files = createCertificate(t)
    if (files === null) return t.skip('openssl is not installed')
    const server = createTlsServer(
      { key: readFileSync(files.key), cert: readFileSync(files.cert) },
      (_, answer) => {
        answer.setHeader('content-type', 'application/json')
        answer.setHeader('octopod-version', '2.0')
        answer.end(JSON.stringify(['secret']))
      },
    )
    const url = `https://localhost:${await listen(t, server)}`
    const unknown = await runOcto({ OCTOPOD_URL: url }, 'list')
    assert.equal(unknown.code, 7)
    assert.match(
      unknown.stderr,
      /signed by an issuer that this machine does not know\.\nSet OCTOPOD_CA_FILE to a file with the certificate of its issuer/,
    )
    const trusting = { OCTOPOD_URL: url, OCTOPOD_CA_FILE: files.cert }
    assert.equal((await runOcto(trusting, 'list')).stdout, 'secret\n')
    const { port, seen: proxiedRequests } = await startProxy(t)
    assert.equal(
      (await runOcto({ ...trusting, HTTPS_PROXY: `127.0.0.1:${port}` }, 'list')).stdout,
      'secret\n',
    )
    assert.deepEqual(proxiedRequests, [`CONNECT ${url.slice(8)} `])
    assert.equal((await runOcto({ ...trusting, OCTOPOD_CA_FILE: files.key }, 'list')).code, 2)
    assert.equal((await runOcto({ ...trusting, OCTOPOD_CA_FILE: '/nonexistent' }, 'list')).code, 2)
  })

  test('logs --follow prints nothing about a short outage', async (t) => {
    const { url } = await startStreamServer(t, [chunkEvent(1), null, chunkEvent(2) + endEvent])
    const result = await runOcto({ OCTOPOD_URL: url }, 'logs', '-a', '7', '--follow')
    assert.deepEqual(result, { code: 0, stdout: 'line 1\nline 2\n', stderr: '' })
  })

  test('A long outage of the output is reported once', async (t) => {
    const { url } = await startStreamServer(t, [chunkEvent(1), null, null, null, chunkEvent(2) + endEvent])
    const { texts, connectionLosses } = await followStream(t, url, { reportAfterMs: 0 })
    assert.deepEqual([texts.length, connectionLosses], [3, 1])
    assert.equal(
      (
        await followStream(t, (await startStreamServer(t, [null, null, endEvent])).url, {
          reportAfterMs: 5000,
        })
      ).connectionLosses,
      0,
    )
  })

  test('A retry waits for as long as Retry-After asks', async (t) => {
    const answers = [{ status: 503, type: 'text/html', headers: { 'retry-after': '1' }, body: '<html>' }]
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments': () => answers.shift() ?? { body: [fullInfo('late')] },
    })
    const startedMs = performance.now()
    assert.equal((await runOcto({ OCTOPOD_URL: fake.url, OCTO_RETRIES: '1' }, 'list')).stdout, 'late\n')
    assert.ok(performance.now() - startedMs >= 1000)
  })
})

function relay(socket: Socket, port: number): void {
  const onward = connect(port, '127.0.0.1')
  socket.pipe(onward).pipe(socket)
  socket.on('error', () => onward.destroy())
  onward.on('error', () => socket.destroy())
}

/** A forward proxy that records its requests. */
async function startProxy(t: TestContext) {
  const seen: string[] = []
  const server = createHttpServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`)
    const { port, pathname } = new URL(request.url ?? '')
    void fetch(`http://127.0.0.1:${port}${pathname}`).then(async (answer) => {
      response.writeHead(answer.status, { 'content-type': 'application/json', 'octopod-version': '2.0' })
      response.end(await answer.text())
    })
  })
  server.on('connect', (request, socket: Socket) => {
    seen.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? ''}`)
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    relay(socket, Number(request.url?.split(':')[1]))
  })
  return { port: await listen(t, server), seen }
}

function createCertificate(t: TestContext): { key: string; cert: string } | null {
  const folder = mkdtempSync(join(tmpdir(), 'octo-tls-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2']
  try {
    const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, ...subject]
    execFileSync('openssl', args, { stdio: 'ignore' })
    return { key, cert }
  } catch {
    return null
  }
}
