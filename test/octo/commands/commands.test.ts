/** Every command of octo against a fake server: its requests and its output. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { suite, test } from 'node:test'
import type { Override } from '../../../domain/overrides.ts'
import { fakeServer, octoCommand, runOcto, success } from '../fake-server.ts'
import { fullInfo, info, overridesOfBothLevels, summary } from '../wire-fixtures.ts'

const silent = { code: 0, stdout: '', stderr: '' }

// The processes mostly wait.
suite('every command of octo', { concurrency: 4 }, () => {
  test('list asks for names only, prints one name a line and nothing else', async (t) => {
    const fake = await fakeServer(t, { 'GET /api/v1/deployment_names': { body: ['feature-2', 'feature-1'] } })
    const result = await runOcto({ OCTOPOD_URL: fake.url }, 'list')
    assert.deepEqual(result, { ...silent, stdout: 'feature-2\nfeature-1\n' })
    assert.deepEqual(
      fake.requests.map(({ path }) => path),
      ['/api/v1/deployment_names'],
    )
    assert.equal(fake.requests[0]?.headers['idempotency-key'], undefined)
  })

  for (const [server, answer] of [
    ['an early server of 2.0', undefined],
    ['Octopod 1.6', { status: 404, body: '' }],
  ] as const)
    test(`list prints the names of ${server}, which knows only the whole list`, async (t) => {
      const fake = await fakeServer(t, {
        ...(answer === undefined ? {} : { 'GET /api/v1/deployment_names': answer }),
        'GET /api/v1/deployments': { body: [fullInfo('feature-2'), fullInfo('feature-1')] },
      })
      const result = await runOcto({ OCTOPOD_URL: fake.url }, 'list')
      assert.deepEqual(result, { ...silent, stdout: 'feature-2\nfeature-1\n' })
    })

  test('list of no deployments prints nothing', async (t) => {
    const fake = await fakeServer(t, { 'GET /api/v1/deployments': { body: [] } })
    assert.deepEqual(await runOcto({ OCTOPOD_URL: fake.url }, 'list'), silent)
  })

  test('create sends the overrides of both levels and prints nothing', async (t) => {
    const fake = await fakeServer(t, { 'POST /api/v1/deployments': success })
    const environment = { OCTOPOD_URL: fake.url, OCTO_AUTHORIZATION_HEADER: 'Secret abc', USER: 'Änne' }
    const result = await runOcto(
      environment,
      'create',
      '-n',
      'feature-1',
      '-e',
      'image.tag=v2',
      '-o',
      'replicas=2',
    )
    assert.deepEqual(result, silent)
    const request = fake.requests.find(
      ({ method, path }) => `${method} ${path}` === 'POST /api/v1/deployments',
    )
    assert.deepEqual(request?.body, {
      name: 'feature-1',
      app_overrides: [['image.tag', { tag: 'ValueAdded', contents: 'v2' }]],
      deployment_overrides: [['replicas', { tag: 'ValueAdded', contents: '2' }]],
    })
    assert.equal(request?.headers.authorization, 'Secret abc')
    assert.equal(request?.headers['content-type'], 'application/json')
  })

  for (const [command, method, path] of [
    ['archive', 'DELETE', '/api/v1/deployments/feature-1'],
    ['restore', 'PATCH', '/api/v1/deployments/feature-1/restore'],
    ['cleanup', 'DELETE', '/api/v1/deployments/feature-1/cleanup'],
    ['delete', 'DELETE', '/api/v1/deployments/feature-1/delete'],
  ] as const) {
    test(`${command} sends ${method} ${path} and prints nothing`, async (t) => {
      const fake = await fakeServer(t, { [`${method} ${path}`]: success })
      assert.deepEqual(
        await runOcto({ OCTOPOD_URL: fake.url, USER: 'ann' }, command, '-n', 'feature-1'),
        silent,
      )
      assert.equal(fake.requests.length, 1)
      const headers = fake.requests[0]?.headers
      assert.match(String(headers?.['idempotency-key']), /^[0-9a-f-]{36}$/)
      assert.equal(headers?.['octopod-source'], 'octo')
      assert.equal(headers?.['octopod-actor'], 'ann')
    })
  }

  test('update sends all overrides: removes the unset ones and adds the new ones', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments/feature-1/full_info': { body: fullInfo('feature-1') },
      'PUT /api/v1/deployments/feature-1': success,
    })
    const args = ['-n', 'feature-1', '-E', 'debug', '-e', 'image.tag=v3', '-e', 'new=1', '-O', 'replicas']
    assert.deepEqual(await runOcto({ OCTOPOD_URL: fake.url }, 'update', ...args), silent)
    assert.deepEqual(fake.requests.at(-1)?.body, {
      app_overrides: [
        ['image.tag', { tag: 'ValueAdded', contents: 'v3' }],
        ['new', { tag: 'ValueAdded', contents: '1' }],
      ],
      deployment_overrides: [],
    })
  })

  test('update sends its revision, and applies the change again after a concurrent update', async (t) => {
    const otherOverrides: Override[] = [['other', { tag: 'ValueAdded', contents: '1' }]]
    const before = fullInfo('feature-1')
    const infos = [
      before,
      { ...before, revision: 15, deployment: { ...before.deployment, app_overrides: otherOverrides } },
    ]
    const refusal = { tag: 'AppError', error_message: 'Changed.', code: 'precondition_failed' }
    const answers = [{ status: 412, body: refusal }]
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments/feature-1/full_info': () => ({ body: infos.shift() ?? before }),
      'PUT /api/v1/deployments/feature-1': () => answers.shift() ?? success,
    })
    const environment = { OCTOPOD_URL: fake.url }
    assert.deepEqual(await runOcto(environment, 'update', '-n', 'feature-1', '-e', 'own=2'), silent)
    const [first, second] = fake.requests.filter(({ method }) => method === 'PUT')
    assert.deepEqual([first?.headers['if-match'], second?.headers['if-match']], ['"12"', '"15"'])
    const body = second?.body as { app_overrides: unknown } | undefined
    assert.deepEqual(body?.app_overrides, [...otherOverrides, ['own', { tag: 'ValueAdded', contents: '2' }]])
    answers.push(...Array(5).fill({ status: 412, body: refusal }))
    assert.equal((await runOcto(environment, 'update', '-n', 'feature-1', '-e', 'own=2')).code, 5)
  })

  test('update without changes sends the current overrides', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments/feature-1/full_info': { body: fullInfo('feature-1') },
      'PUT /api/v1/deployments/feature-1': success,
    })
    assert.deepEqual(await runOcto({ OCTOPOD_URL: fake.url }, 'update', '-n', 'feature-1'), silent)
    assert.deepEqual(fake.requests.at(-1)?.body, {
      app_overrides: overridesOfBothLevels.application,
      deployment_overrides: overridesOfBothLevels.deployment,
    })
  })

  test('info prints status and links, then config, links and actions as Octopod 1.6 did', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments/feature-1/full_info': { body: fullInfo('feature-1') },
      'GET /api/v1/deployments/feature-1/info': { body: [info('feature-1')] },
    })
    const result = await runOcto({ OCTOPOD_URL: fake.url }, 'info', '--name', 'feature-1')
    assert.equal(result.code, 0)
    assert.equal(result.stderr, '')
    assert.equal(
      result.stdout,
      `Status: GenericFailure (Failing)
Links:
  app: http://feature-1.localhost

Current settings:
Application config:
┌───────────┬─────────────┐
│ image.tag │ v2          │
├───────────┼─────────────┤
│     debug │ <<REMOVED>> │
└───────────┴─────────────┘

Deployment config: 
┌──────────┬───┐
│ replicas │ 2 │
└──────────┴───┘

Metadata: 
  app: http://feature-1.localhost

Last logs:
╔══════════════════════╦═══════════╦════════╦═══════════════════════════╦═══════════════════╦═══════════╗
║      Created at      ║ Action id ║ Action ║        App config         ║ Deployment config ║ Exit code ║
╠══════════════════════╬═══════════╬════════╬═══════════════════════════╬═══════════════════╬═══════════╣
║ 2026-03-01T10:05:00Z ║     7     ║ update ║  image.tag │ v2           ║                   ║     1     ║
║                      ║           ║        ║ ───────────┼───────────── ║                   ║           ║
║                      ║           ║        ║      debug │ <<REMOVED>>  ║                   ║           ║
╠══════════════════════╬═══════════╬════════╬═══════════════════════════╬═══════════════════╬═══════════╣
║ 2026-03-01T10:00:00Z ║     3     ║ create ║  image.tag │ v2           ║                   ║     0     ║
║                      ║           ║        ║ ───────────┼───────────── ║                   ║           ║
║                      ║           ║        ║      debug │ <<REMOVED>>  ║                   ║           ║
╚══════════════════════╩═══════════╩════════╩═══════════════════════════╩═══════════════════╩═══════════╝
`,
    )
  })

  const output = { stdout: { un_stdout: 'made\n' }, stderr: { un_stderr: 'warned' } }
  const both = '\t\tstdout:\n\nmade\n\n\t\tstderr:\n\nwarned\n'
  for (const [args, stdout] of [
    [['-a', '7'], both],
    [['-a', '7', '-l', 'all'], both],
    [['--action=7', '--log-type=both'], both],
    [['-a7', '-lstdout'], 'made\n\n'],
    [['-a', '7', '-l', 'out'], 'made\n\n'],
    [['-l', 'stderr', '-a', '7'], 'warned\n'],
    [['-a=7', '-l=err'], 'warned\n'],
  ] as const) {
    test(`logs ${args.join(' ')}`, async (t) => {
      const fake = await fakeServer(t, { 'GET /api/v1/log/7': { body: output } })
      assert.deepEqual(await runOcto({ OCTOPOD_URL: fake.url }, 'logs', ...args), { ...silent, stdout })
    })
  }

  test('logs writes several megabytes completely into a pipe', async (t) => {
    const long = `${'x'.repeat(99)}\n`.repeat(80_000)
    const body = { stdout: { un_stdout: long }, stderr: { un_stderr: '' } }
    const fake = await fakeServer(t, { 'GET /api/v1/log/7': { body } })
    const result = await runOcto({ OCTOPOD_URL: fake.url }, 'logs', '-a', '7', '-l', 'stdout')
    assert.equal(result.stdout.length, long.length + 1)
  })

  test('watch says what it waits for when no deployment has the name', async (t) => {
    const fake = await fakeServer(t, { 'GET /api/v1/deployments': { body: [fullInfo('feature-1')] } })
    const environment = { OCTOPOD_URL: fake.url }
    assert.deepEqual(await runOcto(environment, 'watch', '-n', 'nope', '--timeout', '1s'), {
      ...silent,
      stderr: 'octo: there is no deployment nope. Waiting until it is created; octo list shows the names.\n',
    })
    const known = await runOcto(environment, 'watch', '-n', 'feature-1', '--timeout', '1s')
    assert.deepEqual(known, { ...silent, stdout: 'feature-1  GenericFailure\n' })
  })

  test('cancel by deployment finds the running action', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments/feature-1/full_info': {
        body: fullInfo('feature-1', { last_action: summary }),
      },
      'POST /api/v1/actions/7/cancel': success,
    })
    assert.deepEqual(await runOcto({ OCTOPOD_URL: fake.url }, 'cancel', '-n', 'feature-1'), {
      ...silent,
      stderr: 'octo: update (action 7) of feature-1: the cancel is accepted.\n',
    })
    assert.equal(fake.requests.at(-1)?.path, '/api/v1/actions/7/cancel')
  })

  test('cancel says which waiting action starts then, and cancels it too with --all', async (t) => {
    const waiting = { action_id: 8, action: 'ArchiveAction', actor: 'ben', created_at: summary.created_at }
    let body = fullInfo('feature-1', { last_action: summary, waiting_action: waiting })
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments/feature-1/full_info': () => ({ body }),
      'POST /api/v1/actions/7/cancel': success,
      'POST /api/v1/actions/8/cancel': success,
    })
    const cancel = (...args: string[]) => runOcto({ OCTOPOD_URL: fake.url }, 'cancel', ...args)
    const cancelled = () =>
      fake.requests.splice(0).flatMap(({ path }) => /actions\/(\d+)\/cancel/.exec(path)?.[1] ?? [])
    const one = await cancel('feature-1')
    assert.deepEqual([one.code, one.stdout, cancelled()], [0, '', ['7']])
    assert.match(one.stderr, /\nocto: archive \(action 8\) waits and starts then\. .*: octo cancel -a 8\n$/)
    const both = await cancel('feature-1', '--all')
    assert.deepEqual([both.code, cancelled()], [0, ['8', '7']])
    assert.match(both.stderr, /^octo: update \(action 7\) and archive \(action 8\) of feature-1: .*\n$/)
    body = fullInfo('feature-1', { waiting_action: waiting })
    assert.match(
      (await cancel('feature-1', '--all')).stderr,
      /^octo: archive \(action 8\) of feature-1: .*\n$/,
    )
    assert.deepEqual(cancelled(), ['8'])
    assert.match((await cancel('-a', '7', '--all')).stderr, /--all needs NAME/)
    assert.match((await cancel('a', 'b', '--all')).stderr, /--all and --wait do not go with several/)
  })

  test('cancel by action id', async (t) => {
    const fake = await fakeServer(t, { 'POST /api/v1/actions/9/cancel': success })
    assert.deepEqual(await runOcto({ OCTOPOD_URL: fake.url }, 'cancel', '-a', '9'), silent)
  })

  test('cancel --wait exits with 5 when the script ended before the cancel reached it', async (t) => {
    const action = {
      ...summary,
      action_id: 9,
      deployment: 'feature-1',
      app_overrides: [],
      deployment_overrides: [],
    }
    const ends = {
      '': { body: { ...action, state: 'cancelled' } },
      'has ended as succeeded': { body: { ...action, state: 'succeeded' } },
      'has ended as timed out': { body: { ...action, state: 'timed_out' } },
      'succeeded and its deployment is gone': {
        status: 404,
        body: { tag: 'AppError', error_message: 'There is no action 9.', code: 'no_such_action' },
      },
    }
    for (const [outcome, response] of Object.entries(ends)) {
      const fake = await fakeServer(t, {
        'POST /api/v1/actions/9/cancel': success,
        'GET /api/v1/actions/9': response,
      })
      const stderr = `octo: Action 9 ${outcome}: its script ended before the cancel reached it.\n`
      assert.deepEqual(
        await runOcto({ OCTOPOD_URL: fake.url }, 'cancel', '-a', '9', '--wait'),
        outcome === '' ? silent : { code: 5, stdout: '', stderr },
      )
    }
  })

  test('cancel fails when no action is running', async (t) => {
    const ended = { ...summary, state: 'succeeded', exit_code: 0 }
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments/idle/full_info': { body: fullInfo('idle') },
      'GET /api/v1/deployments/ended/full_info': { body: fullInfo('ended', { last_action: ended }) },
    })
    for (const name of ['idle', 'ended']) {
      const result = await runOcto({ OCTOPOD_URL: fake.url }, 'cancel', '-n', name)
      assert.equal(result.code, 5)
      assert.equal(
        result.stderr,
        `octo: No action of deployment ${name} is running.\nThere is nothing to cancel.\n`,
      )
    }
  })

  test('actions prints actor and result, and reads page by page', async (t) => {
    const one = {
      ...summary,
      deployment: 'feature-1',
      failure: null,
      app_overrides: [],
      deployment_overrides: [],
    }
    const ended = {
      finished_at: '2026-03-01T10:00:03.500Z',
      state: 'failed',
      exit_code: 3,
      error: 'no image',
    }
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments/feature-1/actions': ({ query }) => {
        const before = Number(new URLSearchParams(query).get('before') ?? 602)
        const limit = Number(new URLSearchParams(query).get('limit'))
        const body = Array.from({ length: limit }, (_, at) => ({
          ...one,
          ...ended,
          action_id: before - 1 - at,
        }))
        return { body }
      },
    })
    const result = await runOcto({ OCTOPOD_URL: fake.url }, 'actions', '-n', 'feature-1', '--limit', '501')
    assert.equal(result.code, 0)
    assert.deepEqual(
      fake.requests.map(({ query }) => query),
      ['limit=500', 'limit=1&before=102'],
    )
    const lines = result.stdout.split('\n')
    assert.match(
      lines[1] ?? '',
      /Created at .*Action id .*Action .*State .*Who .*Source .*Duration .*Exit code .*Note/,
    )
    const row = lines[3] ?? ''
    for (const part of [
      '2026-03-01T10:00:00Z',
      '601',
      'update',
      'failed',
      'ann',
      'octo',
      '2.5 s',
      '3',
      'no image',
    ]) {
      assert.ok(row.includes(part), `${part} in ${row}`)
    }
  })

  test('A URL with a path, a trailing slash, /api/v1 or no scheme reaches the same server', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments': { body: [fullInfo('root')] },
      'GET /tools/octopod/api/v1/deployments': { body: [fullInfo('below')] },
    })
    for (const [suffix, name] of [
      ['/', 'root'],
      ['//', 'root'],
      ['/api/v1/', 'root'],
      ['/tools/octopod', 'below'],
      ['/tools/octopod/', 'below'],
    ]) {
      const result = await runOcto({ OCTOPOD_URL: fake.url + suffix }, 'list')
      assert.deepEqual(result, { ...silent, stdout: `${name}\n` })
    }
    const bare = await runOcto({ OCTOPOD_URL: fake.url.replace('http://', '') }, 'list')
    assert.equal(bare.stdout, 'root\n')
  })

  test('The actor comes from the CI system before $USER, percent-encoded', async (t) => {
    const fake = await fakeServer(t, { 'DELETE /api/v1/deployments/feature-1': success })
    for (const [environment, actor] of [
      [{ GITHUB_ACTOR: 'ann', USER: 'runner' }, 'ann'],
      [{ GITLAB_USER_LOGIN: 'bob', USER: 'root' }, 'bob'],
      [{ USER: 'Änne Ö' }, '%C3%84nne%20%C3%96'],
      [{}, undefined],
    ] as const) {
      await runOcto({ OCTOPOD_URL: fake.url, ...environment }, 'archive', '-n', 'feature-1')
      assert.equal(fake.requests.at(-1)?.headers['octopod-actor'], actor)
    }
  })

  test('A reader that closes the pipe early is no error', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/log/7': { body: { ...output, stdout: { un_stdout: 'line\n'.repeat(200_000) } } },
    })
    const command = `{ "$@" logs -a 7; echo "exit $?" >&2; } | head -n 1`
    const env = { PATH: process.env.PATH, OCTOPOD_URL: fake.url }
    const result = await new Promise<string[]>((resolve) => {
      execFile('sh', ['-c', command, 'sh', ...octoCommand], { env }, (_, stdout, stderr) =>
        resolve([stdout, stderr]),
      )
    })
    assert.deepEqual(result, ['\t\tstdout:\n', 'exit 0\n'])
  })
})
