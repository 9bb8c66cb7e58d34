/** octo login and octo logout where something is missing or breaks. */
import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { canOpenBrowser } from '../../../octo/cli/open-browser.ts'
import { tokenNotice } from '../../../octo/login/token-notice.ts'
import { fakeServer, type Routes, runOcto, success } from '../fake-server.ts'
import { whoami } from '../wire-fixtures.ts'

async function createHome(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'octo-login-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return {
    folder,
    file: join(folder, 'octo', 'contexts.json'),
    env: { XDG_CONFIG_HOME: folder, XDG_STATE_HOME: folder },
  }
}
const started = {
  body: {
    device_code: 'd3v1c3',
    user_code: 'BCDF-GHJK',
    verification_uri: 'https://octopod.example.com/device',
    expires_in: 600,
    interval: 1,
  },
}
const token = { body: { access_token: 'octopod_pat_x', expires_in: 86_400, name: 'ann', role: 'admin' } }
const pending = { status: 400, body: { error: 'authorization_pending' } }
const routes = (more: Routes = {}): Routes => ({
  'POST /auth/device': started,
  'POST /auth/device/token': token,
  'GET /api/v1/whoami': { body: whoami('admin') },
  'DELETE /api/v1/tokens/current': success,
  ...more,
})

suite('octo login with faults', { concurrency: 4 }, () => {
  test('A server without logins, and one that refuses, are explained', async (t) => {
    const { env } = await createHome(t)
    const old = await fakeServer(t, {})
    const unknown = await runOcto(env, 'login', '--url', old.url)
    assert.equal(unknown.code, 5)
    assert.match(unknown.stderr, /does not know octo login\.\nUpdate the server, or save a credential/)
    const message = 'Nobody can sign in at this installation.'
    const open = await fakeServer(
      t,
      routes({
        'POST /auth/device': {
          status: 400,
          body: { tag: 'AppError', error_message: message, code: 'bad_request' },
        },
      }),
    )
    const refused = await runOcto(env, 'login', '--url', open.url)
    assert.deepEqual([refused.code, refused.stderr.includes(message)], [5, true])
    const odd = await fakeServer(
      t,
      routes({ 'POST /auth/device': { body: { ...started.body, verification_uri: 'file:///x' } } }),
    )
    assert.equal((await runOcto(env, 'login', '--url', odd.url)).code, 7)
    assert.equal((await runOcto(env, 'login', '--url', 'http://127.0.0.1:1')).code, 7)
    const nowhere = await runOcto(env, 'login')
    assert.match(nowhere.stderr, /does not know which installation\.\nName it once: octo login --url/)
  })

  test('An outage while octo waits loses nothing; an expired code ends the wait', async (t) => {
    const { env } = await createHome(t)
    const answers = [pending, { status: 503, body: 'down' }, { status: 502, body: '' }, token]
    const server = await fakeServer(t, routes({ 'POST /auth/device/token': () => answers.shift() ?? token }))
    const login = await runOcto(env, 'login', '--url', server.url, '-o', 'json')
    assert.equal(login.code, 0, login.stderr)
    assert.equal(JSON.parse(login.stdout).who, 'ann')
    assert.deepEqual(server.requests[0]?.headers.authorization, undefined)
    const late = await fakeServer(
      t,
      routes({ 'POST /auth/device/token': { status: 400, body: { error: 'expired_token' } } }),
    )
    const expired = await runOcto(env, 'login', '--url', late.url)
    assert.equal(expired.code, 3)
    assert.match(expired.stderr, /Nobody has approved the login in time/)
    const endless = await fakeServer(
      t,
      routes({
        'POST /auth/device': { body: { ...started.body, expires_in: 1 } },
        'POST /auth/device/token': pending,
      }),
    )
    assert.equal((await runOcto(env, 'login', '--url', endless.url)).code, 3)
  })

  test('Nobody is asked to approve where the token cannot be kept; one that cannot be kept is revoked', async (t) => {
    const { env, folder } = await createHome(t)
    await writeFile(join(folder, 'octo'), 'a file in place of the folder')
    const server = await fakeServer(t, routes())
    const refused = await runOcto(env, 'login', '--url', server.url)
    assert.equal(refused.code, 2)
    assert.match(refused.stderr, /contexts\.json cannot be (read|written)/)
    assert.deepEqual(server.requests, [])
    await rm(join(folder, 'octo'))
    const breaking = await fakeServer(
      t,
      routes({
        'POST /auth/device/token': async () => {
          await rm(join(folder, 'octo'), { recursive: true })
          await writeFile(join(folder, 'octo'), '')
          return token
        },
      }),
    )
    const lost = await runOcto(env, 'login', '--url', breaking.url)
    assert.equal(lost.code, 2)
    const revoked = breaking.requests.find(({ method }) => method === 'DELETE')
    assert.deepEqual(
      [revoked?.path, revoked?.headers.authorization],
      ['/api/v1/tokens/current', 'Bearer octopod_pat_x'],
    )
  })

  test('Several octo that change the file at the same time lose nothing; a lock that was left is removed', async (t) => {
    const { env, file, folder } = await createHome(t)
    const names = Array.from({ length: 8 }, (_, at) => `c${at}`)
    await mkdir(join(folder, 'octo'), { mode: 0o700 })
    await writeFile(`${file}.lock`, '')
    const longAgo = new Date(Date.now() - 60_000)
    await utimes(`${file}.lock`, longAgo, longAgo)
    const server = await fakeServer(t, routes())
    const results = await Promise.all(
      names.map((name, at) =>
        at % 2 === 0
          ? runOcto(env, 'login', '--url', server.url, '--context', name)
          : runOcto(env, 'context', 'set', name, '--url', 'http://x'),
      ),
    )
    assert.deepEqual(
      results.map(({ code }) => code),
      names.map(() => 0),
      results.map(({ stderr }) => stderr).join('\n'),
    )
    const { contexts } = JSON.parse(await readFile(file, 'utf8')) as { contexts: { name: string }[] }
    assert.deepEqual(contexts.map(({ name }) => name).sort(), names)
    await assert.rejects(readFile(`${file}.lock`), { code: 'ENOENT' })
  })

  test('Without the server logout forgets the token and says that it still counts', async (t) => {
    const { env, file } = await createHome(t)
    const server = await fakeServer(t, routes())
    await runOcto(env, 'login', '--url', server.url, '--context', 'a')
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace(server.url, 'http://127.0.0.1:1'))
    const logout = await runOcto(env, 'logout')
    assert.equal(logout.code, 7)
    assert.match(
      logout.stderr,
      /octo has forgotten the token, but it was not revoked: cannot reach .*\nIt counts until its end/,
    )
    assert.doesNotMatch(await readFile(file, 'utf8'), /octopod_pat_/)
  })

  test('Logout leaves a credential that is no token of a person', async (t) => {
    const { env, file, folder } = await createHome(t)
    await writeFile(join(folder, 'secret'), 'Bearer shared')
    await runOcto(
      env,
      'context',
      'set',
      'a',
      '--url',
      'http://x',
      '--authorization-file',
      join(folder, 'secret'),
    )
    const logout = await runOcto(env, 'logout')
    assert.equal(logout.code, 2)
    assert.match(
      logout.stderr,
      /is no access token of a person\.\nRemove it with its context: octo context remove a/,
    )
    assert.match(await readFile(file, 'utf8'), /Bearer shared/)
    // A readable file is refused before anything is sent.
    await chmod(file, 0o644)
    assert.equal((await runOcto(env, 'login', '--context', 'a')).code, 2)
  })

  test('A login does not go to another address than that of its context', async (t) => {
    const { env } = await createHome(t)
    const server = await fakeServer(t, routes())
    await runOcto(env, 'context', 'set', 'a', '--url', 'http://x')
    const refused = await runOcto(env, 'login', '--context', 'a', '--url', server.url)
    assert.equal(refused.code, 2)
    assert.match(refused.stderr, /context a has another address/)
    assert.deepEqual(server.requests, [])
    assert.equal((await runOcto(env, 'login', '--context', 'b')).code, 2)
  })
})

test('A browser is started only where its window would appear', () => {
  assert.equal(canOpenBrowser({ BROWSER: 'firefox', SSH_TTY: '/dev/pts/1' }), true)
  assert.equal(canOpenBrowser({ DISPLAY: ':0', SSH_CONNECTION: '1' }), false)
  if (process.platform === 'linux') {
    assert.equal(canOpenBrowser({}), false)
    assert.equal(canOpenBrowser({ WAYLAND_DISPLAY: 'wayland-0' }), true)
  }
})

test('The notice says how much time is left, in words', () => {
  const now = Date.parse('2026-03-01T10:00:00Z')
  const notice = (expiresAt: string, isLogin = false, authorization = 'Bearer octopod_pat_x') =>
    tokenNotice({ authorization, isLogin }, expiresAt, {}, now)
  assert.equal(notice('2026-03-08T10:00:01.000000Z'), null)
  assert.match(
    notice('2026-03-08T09:59:00.000000Z') ?? '',
    /ends in 6 days, on 2026-03-08 09:59 UTC\. Create a new one/,
  )
  assert.match(
    notice('2026-03-02T11:00:00.000000Z', true) ?? '',
    /ends tomorrow, .* Log in again: octo login$/,
  )
  assert.match(notice('2026-03-01T12:00:00.000000Z') ?? '', /ends within a day, on/)
  assert.equal(notice('never'), null)
  assert.equal(notice('2026-03-01T10:15:00.000000Z', false, 'Bearer octopod_job_x'), null)
})
