/** Contexts: saved safely, chosen by name, and overridden by the environment. */
import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { fakeServer, runOcto, startOcto } from '../fake-server.ts'
import { fullInfo } from '../wire-fixtures.ts'

async function createConfigHome(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'octo-home-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return { folder, file: join(folder, 'octo', 'contexts.json'), env: { XDG_CONFIG_HOME: folder } }
}

// The processes mostly wait.
suite('contexts', { concurrency: 4 }, () => {
  test('Contexts can be saved, used, listed and deleted; the file has mode 0600, and octo never prints the credential', async (t) => {
    const { env, file, folder } = await createConfigHome(t)
    const [one, other] = await Promise.all([
      fakeServer(t, { 'GET /api/v1/deployments': { body: [fullInfo('one')] } }),
      fakeServer(t, { 'GET /api/v1/deployments': { body: [fullInfo('other')] } }),
    ])
    await writeFile(join(folder, 'secret'), 'Bearer s3cr3t\n')
    const set = ['context', 'set', 'first', '--url', one.url, '--authorization-file', join(folder, 'secret')]
    assert.deepEqual(await runOcto(env, ...set), { code: 0, stdout: '', stderr: '' })
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.equal((await stat(join(folder, 'octo'))).mode & 0o777, 0o700)
    const piped = startOcto(env, 'context', 'set', 'second', '--url', other.url, '--authorization-file', '-')
    piped.child.stdin?.end('Bearer other\n')
    assert.equal((await piped.ended).code, 0)

    assert.equal((await runOcto(env, 'list')).stdout, 'one\n')
    assert.equal(one.requests[0]?.headers.authorization, 'Bearer s3cr3t')
    assert.equal((await runOcto(env, 'list', '--context', 'second')).stdout, 'other\n')
    assert.equal((await runOcto({ ...env, OCTOPOD_CONTEXT: 'second' }, 'list')).stdout, 'other\n')
    assert.equal((await runOcto(env, 'context', 'use', 'second')).code, 0)
    assert.equal((await runOcto(env, 'list')).stdout, 'other\n')
    const listed = await runOcto(env, 'context')
    assert.match(
      listed.stdout,
      /^CURRENT +NAME +URL +CREDENTIAL +CA FILE\n- +first .* saved .*\n\* +second .* saved/,
    )
    assert.doesNotMatch(listed.stdout + (await runOcto(env, 'context', '-o', 'json')).stdout, /s3cr3t/)

    assert.equal((await runOcto(env, 'context', 'set', 'second', '--url', `${other.url}/`)).stderr, '')
    assert.equal((await runOcto(env, 'list')).stdout, 'other\n')
    assert.equal(other.requests.at(-1)?.headers.authorization, 'Bearer other')
    assert.deepEqual(await runOcto(env, 'context', 'set', 'second', '--url', one.url), {
      code: 0,
      stdout: '',
      stderr: 'octo: The credential of context second was for another address and is removed.\n',
    })
    assert.equal((await runOcto(env, 'list')).stdout, 'one\n')
    assert.equal(one.requests.at(-1)?.headers.authorization, undefined)
    assert.equal((await runOcto(env, 'context', 'remove', 'second')).code, 0)
    assert.equal((await runOcto(env, 'list')).code, 2)
    assert.doesNotMatch(await readFile(file, 'utf8'), /second/)
  })

  test('--context wins over OCTOPOD_URL, OCTOPOD_URL over other contexts, and an address gets only its own credential', async (t) => {
    const { env } = await createConfigHome(t)
    const [saved, named] = await Promise.all([
      fakeServer(t, { 'GET /api/v1/deployments': { body: [fullInfo('saved')] } }),
      fakeServer(t, { 'GET /api/v1/deployments': { body: [fullInfo('named')] } }),
    ])
    const setting = startOcto(env, 'context', 'set', 'a', '--url', saved.url, '--authorization-file', '-')
    setting.child.stdin?.end('Bearer saved')
    await setting.ended
    assert.equal((await runOcto({ ...env, OCTOPOD_URL: named.url }, 'list')).stdout, 'named\n')
    assert.equal(named.requests[0]?.headers.authorization, undefined)
    const both = { ...env, OCTOPOD_URL: named.url, OCTO_AUTHORIZATION_HEADER: 'Bearer mine' }
    assert.equal((await runOcto({ ...both, OCTOPOD_CONTEXT: 'a' }, 'list')).stdout, 'named\n')
    assert.equal(named.requests.at(-1)?.headers.authorization, 'Bearer mine')
    const chosen = await runOcto(both, 'list', '--context', 'a')
    assert.deepEqual(chosen, { code: 0, stdout: 'saved\n', stderr: '' })
    await runOcto({ ...env, OCTO_AUTHORIZATION_HEADER: 'Bearer mine' }, 'list')
    await runOcto(env, 'context', 'set', 'open', '--url', saved.url)
    await runOcto({ ...both, OCTOPOD_URL: '' }, 'list', '--context', 'open')
    assert.deepEqual(
      saved.requests
        .filter(({ path }) => path === '/api/v1/deployments')
        .map(({ headers }) => headers.authorization),
      ['Bearer saved', 'Bearer saved', undefined],
    )
  })

  test('A readable or damaged file and an unknown context are errors', async (t) => {
    const { env, file } = await createConfigHome(t)
    assert.match((await runOcto(env, 'list')).stderr, /OCTOPOD_URL is not set\.\n.*octo login --url URL/)
    await runOcto(env, 'context', 'set', 'a', '--url', 'http://127.0.0.1:1')
    const missing = await runOcto(env, 'list', '--context', 'b')
    assert.deepEqual(
      [missing.code, missing.stderr],
      [2, 'octo: there is no context "b".\nSaved contexts: a.\n'],
    )
    await chmod(file, 0o644)
    const open = await runOcto(env, 'list')
    assert.deepEqual(
      [open.code, /other users can read it \(mode 644\)\.\n.*chmod 600/.test(open.stderr)],
      [2, true],
    )
    await chmod(file, 0o600)
    await writeFile(file, '{"contexts":7}')
    assert.match((await runOcto(env, 'list')).stderr, /is not a contexts file/)
    const wrong = await runOcto(env, 'context', 'set', 'a', '--url', 'ftp://host')
    assert.deepEqual([wrong.code, wrong.stdout], [2, ''])
  })

  test('The message for 401 names the context whose credential was not accepted', async (t) => {
    const { env } = await createConfigHome(t)
    const body = { tag: 'AppError', error_message: 'Not signed in.', code: 'unauthenticated' }
    const fake = await fakeServer(t, { 'GET /api/v1/deployments': { status: 401, body } })
    const setting = startOcto(env, 'context', 'set', 'a', '--url', fake.url, '--authorization-file', '-')
    setting.child.stdin?.end('Bearer old')
    await setting.ended
    const { code, stderr } = await runOcto(env, 'list')
    assert.deepEqual(
      [code, stderr],
      [6, 'octo: Not signed in.\nThe credential of context a was not accepted: check it.\n'],
    )
  })
})
