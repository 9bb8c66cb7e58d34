/** Config keys that the installation does not list: octo warns about them, and refuses them with --strict. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { fakeServer, type Routes, runOcto, success } from '../fake-server.ts'
import { fullInfo } from '../wire-fixtures.ts'

const startServer = (t: TestContext, routes: Routes = {}) =>
  fakeServer(t, {
    'GET /api/v1/deployment_override_keys': { body: ['region'] },
    'GET /api/v1/deployment_overrides': { body: [['size', 'small']] },
    'POST /api/v1/application_override_keys': { body: ['image.tag', 'greeting'] },
    'POST /api/v1/application_overrides': { body: [['replicas', '1']] },
    'GET /api/v1/deployments/feature-1/full_info': { body: fullInfo('feature-1') },
    'POST /api/v1/deployments': success,
    'PUT /api/v1/deployments/feature-1': success,
    ...routes,
  })

const isChange = ({ method, path }: { method: string; path: string }) =>
  method === 'PUT' || (method === 'POST' && path === '/api/v1/deployments')

// The processes mostly wait.
suite('mistyped config keys', { concurrency: 4 }, () => {
  for (const [args, sentences] of [
    [
      'create -e imge.tag=v2 -o regoin=eu',
      [
        'the deployment config has no key "regoin". Did you mean region?',
        'the application config has no key "imge.tag". Did you mean image.tag?',
      ],
    ],
    [
      'create -e region=eu',
      ['the application config has no key "region". It is a key of the deployment config (-o).'],
    ],
    [
      'update -o greeting=Hi',
      ['the deployment config has no key "greeting". It is a key of the application config (-e).'],
    ],
    [
      'update -E grreting -O nothing',
      [
        'the deployment config has no key "nothing".',
        'the application config has no key "grreting". Did you mean greeting?',
      ],
    ],
  ] as const)
    test(`octo ${args} warns, and with --strict it is refused`, async (t) => {
      const fake = await startServer(t)
      const environment = { OCTOPOD_URL: fake.url }
      const words = [...args.split(' '), '-n', 'feature-1']
      assert.deepEqual(await runOcto(environment, ...words), {
        code: 0,
        stdout: '',
        stderr: sentences.map((sentence) => `octo: warning: ${sentence}\n`).join(''),
      })
      assert.equal(fake.requests.filter(isChange).length, 1)
      const refused = await runOcto(environment, ...words, '--strict')
      assert.equal(refused.code, 2)
      assert.ok(
        refused.stderr.startsWith(`octo: ${sentences.join('\n')}\nocto config --keys lists the keys.`),
        refused.stderr,
      )
      assert.equal(fake.requests.filter(isChange).length, 1, 'the refused command sends no change')
    })

  for (const args of [
    'create -e image.tag=v2 -e replicas=3 -o region=eu -o size=big',
    // An override of feature-1, which is no key, can be removed.
    'update -E debug -E greeting',
    'create',
  ])
    test(`octo ${args} has only known keys`, async (t) => {
      const { url } = await startServer(t)
      for (const strict of [[], ['--strict']]) {
        const result = await runOcto({ OCTOPOD_URL: url }, ...args.split(' '), '-n', 'feature-1', ...strict)
        assert.deepEqual(result, { code: 0, stdout: '', stderr: '' })
      }
    })

  test('An installation that lists no keys gets no warning, but --strict is refused', async (t) => {
    const { url } = await startServer(t, { 'POST /api/v1/application_override_keys': { body: [] } })
    const args = ['create', '-n', 'feature-1', '-e', 'anything=1']
    assert.deepEqual(await runOcto({ OCTOPOD_URL: url }, ...args), { code: 0, stdout: '', stderr: '' })
    const { code, stderr } = await runOcto({ OCTOPOD_URL: url }, ...args, '--strict')
    assert.equal(code, 2)
    assert.match(stderr, /lists no keys of the application config, so --strict cannot check anything\./)
  })

  test('When the keys cannot be read, the command goes on without a warning, but not with --strict', async (t) => {
    const failure = { tag: 'AppError', error_message: 'The script failed.', code: 'script_failed' }
    const fake = await startServer(t, {
      'GET /api/v1/deployment_override_keys': { status: 502, body: failure },
    })
    const args = ['create', '-n', 'feature-1', '-e', 'imge.tag=1']
    assert.deepEqual(await runOcto({ OCTOPOD_URL: fake.url }, ...args), { code: 0, stdout: '', stderr: '' })
    const { code, stderr } = await runOcto({ OCTOPOD_URL: fake.url }, ...args, '--strict')
    assert.deepEqual([code, stderr.split('\n')[0]], [7, 'octo: The script failed.'])
    assert.equal(fake.requests.filter(isChange).length, 1)
  })

  test('A refused request shows the warning too, because the mistyped key may be the cause', async (t) => {
    const { url } = await startServer(t, {
      'POST /api/v1/deployments': { status: 400, type: 'text/plain', body: 'image.tag is missing' },
    })
    const { code, stderr } = await runOcto(
      { OCTOPOD_URL: url },
      'create',
      '-n',
      'feature-1',
      '-e',
      'imge.tag=1',
    )
    assert.equal(code, 5)
    assert.match(stderr, /^octo: warning: .*Did you mean image\.tag\?\nocto: image\.tag is missing\n/)
  })
})
