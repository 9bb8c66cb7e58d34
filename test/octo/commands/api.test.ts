/** `octo api` against a fake server: what it sends, prints and exits with. Also the filters of `octo list`. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { actionStates } from '../../../domain/actions.ts'
import { fakeServer, runOcto } from '../fake-server.ts'
import { fullInfo, summary } from '../wire-fixtures.ts'

// The processes mostly wait.
suite('octo api', { concurrency: 4 }, () => {
  test('A request goes below /api/v1 with the credential, and its body is printed', async (t) => {
    const fake = await fakeServer(t, { 'GET /api/v1/storage': { body: { output: { bytes: 7 } } } })
    const environment = { OCTOPOD_URL: fake.url, OCTO_AUTHORIZATION_HEADER: 'Bearer abc' }
    for (const path of ['/storage?a=1', 'storage?a=1', '/api/v1/storage?a=1']) {
      const result = await runOcto(environment, 'api', 'get', path)
      assert.deepEqual(result, { code: 0, stdout: '{"output":{"bytes":7}}\n', stderr: '' })
    }
    for (const { headers, query } of fake.requests) {
      assert.equal(headers.authorization, 'Bearer abc')
      assert.equal(query, 'a=1')
      assert.equal(headers['idempotency-key'], undefined)
    }
  })

  test('A body comes from the option or from a file, and a write has a key', async (t) => {
    const fake = await fakeServer(t, { 'POST /api/v1/deployments': { body: {} } })
    const folder = mkdtempSync(join(tmpdir(), 'octo-api-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'body.json')
    writeFileSync(file, '{"name":"x1"}')
    for (const data of ['{"name":"x1"}', `@${file}`]) {
      const { code } = await runOcto(
        { OCTOPOD_URL: fake.url, USER: 'ann' },
        'api',
        'POST',
        '/deployments',
        '-d',
        data,
      )
      assert.equal(code, 0)
    }
    for (const { body, headers } of fake.requests) {
      assert.deepEqual(body, { name: 'x1' })
      assert.equal(headers['content-type'], 'application/json')
      assert.match(String(headers['idempotency-key']), /^[0-9a-f-]{36}$/)
      assert.deepEqual([headers['octopod-source'], headers['octopod-actor']], ['octo', 'ann'])
    }
  })

  for (const [status, code] of [
    [400, 5],
    [403, 6],
    [404, 5],
    [500, 7],
  ] as const)
    test(`Status ${status} prints the body and exits with ${code}`, async (t) => {
      const body = { tag: 'AppError', error_message: 'No.', code: null }
      const { url } = await fakeServer(t, { 'GET /api/v1/x': { status, body } })
      const result = await runOcto({ OCTOPOD_URL: url }, 'api', 'GET', '/x')
      assert.deepEqual([result.code, JSON.parse(result.stdout)], [code, body])
      assert.match(result.stderr, /^octo: No\.\n/)
    })

  test('list --status asks for the list and prints the names with that status', async (t) => {
    const archived = { status: { tag: 'DeploymentNotPending', recorded_status: { tag: 'Archived' } } }
    const { url } = await fakeServer(t, {
      'GET /api/v1/deployments': { body: [fullInfo('feature-1'), fullInfo('old-1', archived)] },
    })
    const list = async (...args: string[]) => (await runOcto({ OCTOPOD_URL: url }, 'list', ...args)).stdout
    assert.equal(await list('--status', 'archived'), 'old-1\n')
    assert.equal(await list('--status', 'Archived', '--status=GenericFailure'), 'feature-1\nold-1\n')
    assert.equal(await list('--status', 'failing', '--status', 'Archived'), 'feature-1\nold-1\n')
    assert.equal(await list('--status', 'Running'), '')
  })

  test('list --failed prints the names of those whose last action failed', async (t) => {
    const deployments = actionStates.map((state) =>
      fullInfo(state.replace('_', '-'), { last_action: { ...summary, state } }),
    )
    const { url } = await fakeServer(t, {
      'GET /api/v1/deployments': { body: [...deployments, fullInfo('without')] },
    })
    const list = (...args: string[]) => runOcto({ OCTOPOD_URL: url }, 'list', ...args)
    assert.equal((await list('--failed')).stdout, 'failed\ntimed-out\ninterrupted\n')
    const asStatus = await list('--status', 'last action failed')
    assert.equal(asStatus.code, 2)
    assert.match(asStatus.stderr, /octo list --failed/)
  })
})
