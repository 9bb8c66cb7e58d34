/**
 * One Octopod below the path /octopod behind three proxies: nginx with TLS and HTTP/2, which passes the path on; nginx without
 * TLS, which removes it; haproxy with TLS and HTTP/2, which removes it, under another host name. The two that remove it have a
 * server of their own.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { freePort } from '../../../lib/node/ports.ts'
import { createCertificateAuthority } from '../../db/configurations/certificates.ts'
import { missingPrograms } from '../../db/configurations/installed.ts'
import { adminHeaders, createApiClient, getActionId } from '../../helpers/api-client.ts'
import { openBrowserSession } from '../../helpers/browser/browser-session.ts'
import { missingBrowser, openBrowser } from '../../helpers/browser/chromium.ts'
import { startOidcProvider, type TestOidcProvider } from '../../helpers/oidc/oidc-provider.ts'
import { createBrowser, people } from '../../helpers/oidc/signed-in-system.ts'
import { openEventStream } from '../../helpers/sse-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { connectWebSocket } from '../../helpers/websocket-client.ts'
import { runOcto } from '../../octo/fake-server.ts'
import { idleSeconds, type RunningProxy, startHaproxy, startNginx } from './proxies.ts'

suite('proxies', { skip: missingPrograms('nginx', 'haproxy', 'openssl') }, () => {
  const path = '/octopod'
  const authority = createCertificateAuthority()
  const proxies: RunningProxy[] = []
  let system: System
  let behindRemoving: { url: string }
  let provider: TestOidcProvider
  /** As APP_URL has them. People sign in at the first one. */
  let passing: string
  let removing: string
  let haproxy: string
  let all: string[]

  before(async () => {
    setDefaultCACertificates([...getCACertificates('default'), readFileSync(authority.ca, 'utf8')])
    const certificate = authority.issue('proxy', 'DNS:localhost,IP:127.0.0.1')
    const [port, secondPort, tlsPort, plainPort, haproxyPort] = await Promise.all(
      [1, 2, 3, 4, 5].map(() => freePort()),
    )
    if (!port || !secondPort || !tlsPort || !plainPort || !haproxyPort) throw new Error('no port')
    passing = `https://localhost:${tlsPort}${path}`
    removing = `http://localhost:${plainPort}${path}`
    haproxy = `https://127.0.0.1:${haproxyPort}${path}`
    all = [passing, removing, haproxy]
    const certificateFile = join(authority.ca, '..', 'both.pem')
    writeFileSync(
      certificateFile,
      readFileSync(certificate.cert, 'utf8') + readFileSync(certificate.key, 'utf8'),
    )
    provider = await startOidcProvider({ accounts: people })
    provider.allowRedirects(`${passing}/auth/callback`, `${passing}/`)
    const servers = [
      { listen: `127.0.0.1:${tlsPort}`, certificate, path: `${path}/`, target: `http://127.0.0.1:${port}` },
      { listen: `127.0.0.1:${plainPort}`, path: `${path}/`, target: `http://127.0.0.1:${secondPort}/` },
    ]
    proxies.push(await startNginx(servers))
    proxies.push(await startHaproxy({ port: haproxyPort, certificateFile, path, targetPort: secondPort }))
    system = await startSystem({
      env: {
        PORT: String(port),
        APP_URL: all.join(','),
        TRUSTED_PROXIES: '127.0.0.1',
        ANONYMOUS_ROLE: 'developer',
        SIGNED_IN_ROLE: 'developer',
        OIDC_ISSUER: provider.issuer,
        OIDC_CLIENT_ID: provider.clientId,
        OIDC_CLIENT_SECRET: provider.clientSecret,
      },
    })
    behindRemoving = await system.startServer({ PORT: String(secondPort), PROXY_PATH: 'removed' })
  })
  after(async () => {
    await system?.stop()
    await provider?.stop()
    for (const proxy of proxies) await proxy.stop()
    authority.remove()
  })

  test('Page, API, websocket and streams work below a path that a proxy passes on or removes', async () => {
    for (const [index, url] of all.entries()) {
      const octopod = createApiClient(url)
      const name = `shop-${index}`
      const page = await fetch(`${url}/deployments/${name}`, { headers: { Accept: 'text/html' } })
      const [, script] = /<script type="module" src="([^"]+)"/.exec(await page.text()) ?? []
      assert.match(script ?? '', /^\/octopod\/main-/)
      assert.equal((await fetch(new URL(script ?? '', url))).status, 200)
      assert.equal((await fetch(`${url}/docs/guide.html`)).status, 200)
      const document = (await octopod.call('GET', '/api/v1/openapi.json')).body
      assert.deepEqual((document as { servers: unknown }).servers, [{ url: path }])

      const client = await connectWebSocket(url, [], { origin: new URL(url).origin })
      assert.equal((await octopod.create(name)).status, 200)
      await octopod.waitForStatus(name, 'Running')
      await client.until('the event of the create', () => client.events().length > 0)
      client.close()
      // The script has not ended when its first line arrives.
      const action = getActionId(await octopod.update(name, { 'behave.update': 'hang' }))
      const stream = await openEventStream(`${url}/api/v1/actions/${action}/output/stream`, adminHeaders)
      assert.equal((await stream.next()).event, 'chunk')
      stream.cancel()
      assert.equal((await octopod.api('POST', `/actions/${action}/cancel`)).status, 200)
      await octopod.waitForActionEnd(action)
    }
  })

  test('Only the form of the path that PROXY_PATH names is answered, and probes need none', async () => {
    for (const [right, wrong] of [
      [system.url + path, system.url],
      [behindRemoving.url, behindRemoving.url + path],
    ] as const) {
      assert.equal((await createApiClient(right).api('GET', '/deployments')).status, 200)
      ;(await connectWebSocket(right)).close()
      const refused = await createApiClient(wrong).api('GET', '/deployments')
      assert.equal(refused.status, 404)
      assert.match(refused.text, /PROXY_PATH/)
      await assert.rejects(connectWebSocket(wrong))
    }
    for (const { url } of [system, behindRemoving]) assert.equal((await fetch(`${url}/healthz`)).status, 200)
    // A rule of the proxy for /octopod/config.json must cover every way to it.
    for (const url of all) assert.equal((await fetch(`${url}${path}/config.json`)).status, 404, url)
  })

  test('HTTP/2 is answered by both proxies', async () => {
    for (const url of [passing, haproxy]) {
      const session = connectHttp2(new URL(url).origin)
      const request = session.request({ ':path': `${path}/api/v1/deployments`, ...lowerCase(adminHeaders) })
      const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
        request.once('response', resolve).once('error', reject)
      })
      assert.equal(headers[':status'], 200)
      session.destroy()
    }
  })

  test('Signing in below a path leads to the first host of APP_URL and back to the page', async () => {
    const elsewhere = await createBrowser(new URL(removing).origin, removing).request(
      'GET',
      '/auth/login?returnTo=/octopod/tokens',
    )
    assert.equal(elsewhere.headers.get('location'), `${passing}/auth/login?returnTo=%2Foctopod%2Ftokens`)
    const browser = createBrowser(new URL(passing).origin, passing)
    assert.equal(
      await browser.signIn('dev1', '/octopod/deployments/x?output=1'),
      `${passing}/deployments/x?output=1`,
    )
    assert.match([...browser.cookies.keys()].join(), /^__Host-octopod-[0-9a-f]{8}$/)
    assert.match((await browser.api('GET', '/whoami')).text, /"Dev One"/)
    assert.equal((await browser.create('signed-in')).status, 200)
    const headers = { Cookie: browser.cookieHeader() }
    ;(await connectWebSocket(passing, [], { origin: new URL(passing).origin, headers })).close()
    const { location } = (await browser.request('POST', '/auth/logout')).body as { location: string }
    assert.equal(new URL(location).searchParams.get('post_logout_redirect_uri'), `${passing}/`)

    // A path of another program below the same host is no page of ours.
    assert.equal(
      await createBrowser(new URL(passing).origin, passing).signIn('dev1', '/other'),
      `${passing}/`,
    )
    const failed = await browser.request('GET', '/auth/callback?state=x', undefined, { Accept: 'text/html' })
    assert.match(failed.headers.get('location') ?? '', /^\/octopod\/sign-in\?error=/)
  })

  test('octo login shows the address of the page with its path, of the host that was asked', async () => {
    for (const url of [passing, haproxy]) {
      const answer = await createBrowser(new URL(url).origin, url).request('POST', '/auth/device', {})
      assert.equal((answer.body as { verification_uri: string }).verification_uri, `${url}/device`)
    }
  })

  test('octo works with a path, a private CA and HTTP/2 proxies, and names the setting without the CA', async () => {
    const options = { OCTO_AUTHORIZATION_HEADER: adminHeaders.Authorization, OCTOPOD_CA_FILE: authority.ca }
    for (const [index, url] of [passing, haproxy].entries()) {
      const octo = (...args: string[]) => runOcto({ ...options, OCTOPOD_URL: `${url}/` }, ...args)
      const name = `by-octo-${index}`
      // The websocket, the stream of the output and requests.
      const created = await octo('create', '-n', name, '--follow')
      assert.equal(created.code, 0, created.stderr)
      assert.match(created.stdout + created.stderr, new RegExp(`create of ${name} done`))
      const doctor = await octo('doctor')
      assert.match(doctor.stdout, /websocket/i)
      assert.equal(doctor.code, 0, doctor.stdout + doctor.stderr)
      const known = { OCTO_AUTHORIZATION_HEADER: options.OCTO_AUTHORIZATION_HEADER, OCTOPOD_URL: url }
      assert.equal((await runOcto({ ...known, NODE_EXTRA_CA_CERTS: authority.ca }, 'ping')).code, 0)
      const unknown = await runOcto({ ...known, NODE_EXTRA_CA_CERTS: '' }, 'list')
      assert.equal(unknown.code, 7)
      assert.match(
        unknown.stderr,
        /signed by an issuer that this machine does not know\.\nSet OCTOPOD_CA_FILE/,
      )
    }
  })

  test('The page works below a path in a browser', { skip: missingBrowser() }, async () => {
    const browser = await openBrowser()
    try {
      await createApiClient(passing).create('seen')
      for (const url of all) {
        const session = await openBrowserSession(browser, new URL(url).origin, { ignoreHTTPSErrors: true })
        const page = await session.openPage(`${path}/`)
        await page.locator('.badge', { hasText: 'Live' }).waitFor()
        await page.locator('tr[data-name="seen"] a.deployment-name').click()
        await page.waitForURL(`${url}/deployments/seen`)
        await page.reload()
        await page.locator('h1', { hasText: 'seen' }).waitFor()
        await page.locator('a.back-link').click()
        await page.waitForURL(`${url}/`)
        await page.locator('a.brand').click()
        await page.goto(`${url}/docs/guide.html`)
        await page.locator('nav a', { hasText: 'Deployments' }).click()
        await page.waitForURL(`${url}/`)
        await page.goto(`${url}/api/v1/docs`)
        await page.locator('a', { hasText: 'openapi.json' }).click()
        await page.waitForURL(`${url}/api/v1/openapi.json`)
        session.assertNoErrors()
        await session.close()
      }
    } finally {
      await browser.close()
    }
  })

  test('Idle websockets and streams outlive the time limits of the proxies', async () => {
    const octopod = createApiClient(passing)
    assert.equal((await octopod.create('idle')).status, 200)
    await octopod.waitForStatus('idle', 'Running')
    const action = getActionId(await octopod.update('idle', { 'behave.update': 'hang' }))
    await octopod.waitForStatus('idle', 'UpdatePending (pending)')
    await Promise.all(
      all.flatMap((url) => [
        outliveAsWebSocket(url),
        outliveAsStream(`${url}/api/v1/actions/${action}/output/stream`),
      ]),
    )
    assert.equal((await octopod.api('POST', `/actions/${action}/cancel`)).status, 200)
    await octopod.waitForActionEnd(action)
  })
})

const limitMs = idleSeconds * 1000

/** Nothing but heartbeats arrives for longer than a proxy waits. */
async function outliveAsWebSocket(url: string): Promise<void> {
  const client = await connectWebSocket(url)
  const startMs = performance.now()
  await waitFor(
    'heartbeats',
    async () => {
      assert.equal(client.closeCode(), null, `${url} was closed`)
      const last = client.messages.at(-1)?.type
      return { done: last === 'heartbeat' && performance.now() - startMs > limitMs, value: null, seen: last }
    },
    2 * limitMs,
  )
  client.close()
}

async function outliveAsStream(url: string): Promise<void> {
  const abort = new AbortController()
  const response = await fetch(url, { headers: adminHeaders, signal: abort.signal })
  assert.equal(response.headers.get('content-type'), 'text/event-stream')
  const startMs = performance.now()
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? [])
    if (piece.startsWith(': ') && performance.now() - startMs > limitMs) return abort.abort()
  assert.fail(`${url} has ended`)
}

const lowerCase = ({ Authorization }: { Authorization: string }) => ({ authorization: Authorization })
