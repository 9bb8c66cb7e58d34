/** octo login and octo logout against real servers, where a person approves by the API of the page. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import {
  type Browser,
  type SignedInSystem,
  startSignedInSystem,
} from '../../helpers/oidc/signed-in-system.ts'
import { runOcto, startOcto } from '../fake-server.ts'

let all: SignedInSystem
let dev1: Browser
before(async () => {
  all = await startSignedInSystem({ APP_AUTHORIZATION_HEADER: 'Bearer the-users' })
  dev1 = await all.signIn('dev1')
})
after(() => all.stop())

async function createHome(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'octo-login-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'octo', 'contexts.json')
  return {
    env: { XDG_CONFIG_HOME: folder, XDG_STATE_HOME: folder, USER: 'dev1' },
    file,
    read: async () => JSON.parse(await readFile(file, 'utf8')) as SavedContexts,
  }
}
type SavedContexts = {
  current: string | null
  contexts: { name: string; url: string; authorization?: string; is_login?: boolean }[]
}

/** Starts octo login, and decides as the person does. */
async function logIn(env: Record<string, string>, args: string[], more: object = {}, browser = dev1) {
  const octo = startOcto(env, 'login', ...args)
  const { stderr } = await octo.waitUntil(({ stderr }) => /user_code=[A-Z-]{9}/.test(stderr))
  const [, user_code] = /user_code=([A-Z-]{9})/.exec(stderr) ?? []
  const shown = await browser.api('GET', `/device_login?user_code=${user_code}`)
  const decided = await browser.api('POST', '/device_login', { user_code, approve: true, ...more })
  assert.equal(decided.status, 200, decided.text)
  return { ...(await octo.ended), client: (shown.body as { client_name: string }).client_name }
}

test('octo login keeps a token of the person who approves, in a file that only its owner can read', async (t) => {
  const { env, file, read } = await createHome(t)
  const login = await logIn(env, ['--url', all.origin])
  assert.equal(login.code, 0, login.stderr)
  assert.match(login.client, /^octo of dev1 on ./)
  const name = `127.0.0.1-${new URL(all.origin).port}`
  assert.match(login.stdout, new RegExp(`^CONTEXT .*\\n${name} +Dev One +developer +${all.origin} `))
  assert.match(login.stderr, /check that the page shows the code [A-Z]{4}-[A-Z]{4}, and approve/)
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  const { current, contexts } = await read()
  const [saved] = contexts
  assert.deepEqual([current, saved?.name, saved?.url, saved?.is_login], [name, name, all.origin, true])
  assert.match(saved?.authorization ?? '', /^Bearer octopod_pat_/)
  for (const text of [login.stdout, login.stderr, (await runOcto(env, 'context')).stdout])
    assert.doesNotMatch(text, /octopod_pat_/)
  assert.match((await runOcto(env, 'context')).stdout, /login/)

  const record = JSON.parse((await runOcto(env, 'whoami', '-o', 'json')).stdout)
  assert.deepEqual([record.actor, record.proof, record.subject], ['Dev One', 'token', 'dev1'])
  // It also counts for the address in the variable, and a credential in the other variable goes first.
  const byVariable = { ...env, OCTOPOD_URL: `${all.origin}/` }
  assert.equal(JSON.parse((await runOcto(byVariable, 'whoami', '-o', 'json')).stdout).actor, 'Dev One')
  const withHeader = { ...byVariable, OCTO_AUTHORIZATION_HEADER: 'Bearer the-users' }
  assert.equal(JSON.parse((await runOcto(withHeader, 'whoami', '-o', 'json')).stdout).actor, 'user')
  assert.equal((await runOcto({ ...env, OCTOPOD_URL: 'http://127.0.0.1:1' }, 'whoami')).code, 7)
})

test('A second login replaces the token and revokes the old one; logout revokes and forgets it', async (t) => {
  const { env, read } = await createHome(t)
  await logIn(env, ['--url', all.origin, '--context', 'work'])
  const first = (await read()).contexts[0]?.authorization ?? ''
  const again = await logIn({ ...env, OCTOPOD_URL: all.origin }, [])
  assert.equal(again.code, 0, again.stderr)
  const saved = await read()
  assert.deepEqual([saved.contexts.length, saved.current], [1, 'work'])
  const second = saved.contexts[0]?.authorization ?? ''
  assert.notEqual(second, first)
  const whoami = (authorization: string) =>
    runOcto({ OCTOPOD_URL: all.origin, OCTO_AUTHORIZATION_HEADER: authorization }, 'whoami')
  assert.equal((await whoami(first)).code, 6)
  assert.equal((await whoami(second)).code, 0)

  assert.deepEqual(await runOcto(env, 'logout'), {
    code: 0,
    stdout: '',
    stderr: `octo: Signed out of ${all.origin}: the access token of context work is revoked and forgotten.\n`,
  })
  assert.equal((await whoami(second)).code, 6)
  assert.equal((await read()).contexts[0]?.authorization, undefined)
  const refused = await runOcto(env, 'list')
  assert.match(refused.stderr, /The credential of context work is not set: sign in with octo login/)
  const twice = await runOcto(env, 'logout', '-o', 'json')
  assert.deepEqual([twice.code, JSON.parse(twice.stdout)], [0, { context: 'work', state: 'signed_out' }])
  assert.match(twice.stderr, /Nobody is signed in/)
})

test('A denied login keeps nothing, and a revoked one asks for a new login', async (t) => {
  const { env, read } = await createHome(t)
  const denied = await logIn(env, ['--url', all.origin], { approve: false })
  assert.equal(denied.code, 6)
  assert.match(denied.stderr, /The login was denied\.\nStart again: octo login/)
  await assert.rejects(read(), { code: 'ENOENT' })

  await logIn(env, ['--url', all.origin])
  const tokens = (await dev1.api('GET', '/tokens')).body as { token_id: number }[]
  await dev1.api('DELETE', `/tokens/${tokens[0]?.token_id}`)
  const refused = await runOcto(env, 'list')
  assert.match(refused.stderr, /revoked\.\nSign in again: octo login/)
  assert.equal((await runOcto(env, 'logout')).code, 0)
})

test('octo warns once a day, in the week before the token ends', async (t) => {
  const { env } = await createHome(t)
  await logIn(env, ['--url', all.origin], { expires_in_days: 6 })
  const first = await runOcto(env, 'list')
  assert.match(
    first.stderr,
    /^octo: warning: your access token ends in 5 days, on \d{4}-\d\d-\d\d \d\d:\d\d UTC\. Log in again: octo login\n$/,
  )
  assert.equal((await runOcto(env, 'list')).stderr, '')
  const later = await createHome(t)
  await logIn(later.env, ['--url', all.origin], { expires_in_days: 8 })
  assert.equal((await runOcto(later.env, 'list')).stderr, '')
})

test('Ctrl-C ends the wait and leaves no token', async (t) => {
  const { env, read } = await createHome(t)
  const before = ((await dev1.api('GET', '/tokens')).body as unknown[]).length
  const octo = startOcto(env, 'login', '--url', all.origin)
  await octo.waitUntil(({ stderr }) => stderr.includes('Waiting for the approval'))
  octo.child.kill('SIGINT')
  const { stderr } = await octo.ended
  assert.equal(octo.child.signalCode, 'SIGINT')
  assert.match(stderr, /Stopped\. The code counts no more/)
  const [, user_code] = /user_code=([A-Z-]{9})/.exec(stderr) ?? []
  // Whoever approves it nevertheless gives nobody a token.
  assert.equal((await dev1.api('POST', '/device_login', { user_code, approve: true })).status, 200)
  assert.equal(((await dev1.api('GET', '/tokens')).body as unknown[]).length, before)
  await assert.rejects(read(), { code: 'ENOENT' })
})
