/** Why something failed: the same explanation after --wait, in info and in status. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { fakeServer, runOcto, success } from '../fake-server.ts'
import { fullInfo, info, summary } from '../wire-fixtures.ts'

const finished = '2026-03-01T10:00:03.000000Z'
const failed = {
  ...summary,
  state: 'failed',
  exit_code: 3,
  finished_at: finished,
  error: null as string | null,
}
const failure = {
  what: 'script',
  script: 'update',
  message: 'The update script failed with exit code 3.',
  hint: 'Image shop:v9 was not found in the registry.' as string | null,
  output: 'Pulling\n\u001b[31mError:\u001b[0m image shop:v9 not found' as string | null,
  output_hidden: false,
  remedies: ['edit', 'retry'],
}
const running = { status: { tag: 'DeploymentNotPending', recorded_status: { tag: 'Running' } } }
const updating = { status: { tag: 'DeploymentNotPending', recorded_status: { tag: 'UpdatePending' } } }
const check = {
  checked_at: '2026-03-01T10:00:09.000000Z',
  exit_code: 1 as number | null,
  error: 'The check script failed with exit code 1.' as string | null,
  failure: null as unknown,
}
const checkFailure = {
  ...failure,
  script: 'check',
  message: 'The check script failed with exit code 1.',
  hint: null,
  output: '503 from /health',
  remedies: ['stop_waiting', 'edit'],
}

const startServer = (t: TestContext, extra: Record<string, unknown>) =>
  fakeServer(t, {
    'GET /api/v1/deployments': { body: [fullInfo('x1', extra)] },
    'GET /api/v1/deployments/x1/full_info': { body: fullInfo('x1', extra) },
    'GET /api/v1/deployments/x1/info': { body: [info('x1')] },
    'GET /api/v1/deployments/x1/status': { body: { status: 'Error' } },
    'GET /api/v1/actions/7': {
      body: { ...failed, deployment: 'x1', app_overrides: [], deployment_overrides: [], failure },
    },
    'GET /api/v1/actions/7/output/stream': {
      type: 'text/event-stream',
      body: `id: 1\nevent: chunk\ndata: ${JSON.stringify({ seq: 1, stream: 'stderr', text: 'image shop:v9 not found\n', at: finished })}\n\nevent: end\ndata: {"state":"failed"}\n\n`,
    },
    'PUT /api/v1/deployments/x1': { ...success, headers: { 'octopod-action-id': '7' } },
  })

// The processes mostly wait.
suite('explanations of failures', { concurrency: 4 }, () => {
  const update = ['update', '-n', 'x1', '--wait', '-q']

  test('--wait prints why the action failed: the sentence, the known cause and the clean last lines', async (t) => {
    const { url } = await startServer(t, { last_action: { ...failed, failure } })
    assert.deepEqual(await runOcto({ OCTOPOD_URL: url }, ...update), {
      code: 1,
      stdout: '',
      stderr: `octo: update (action 7) failed: The update script failed with exit code 3.
Image shop:v9 was not found in the registry.
  Pulling
  Error: image shop:v9 not found
See its output: octo logs -a 7. Try again: octo retry -n x1
`,
    })
  })

  test('--wait prints at most the last 20 lines', async (t) => {
    const output = Array.from({ length: 30 }, (_, line) => `line ${line + 1}`).join('\n')
    const { url } = await startServer(t, { last_action: { ...failed, failure: { ...failure, output } } })
    const { stderr } = await runOcto({ OCTOPOD_URL: url }, ...update)
    assert.deepEqual(
      stderr.match(/line \d+/g)?.map(String),
      Array.from({ length: 20 }, (_, line) => `line ${line + 11}`),
    )
  })

  test('--follow does not repeat the lines that it has shown', async (t) => {
    const { url } = await startServer(t, { last_action: { ...failed, failure } })
    const { code, stderr } = await runOcto({ OCTOPOD_URL: url }, ...update, '--follow')
    assert.equal(code, 1)
    assert.equal(
      stderr,
      `image shop:v9 not found
octo: update (action 7) failed: The update script failed with exit code 3.
Image shop:v9 was not found in the registry.
See its output: octo logs -a 7. Try again: octo retry -n x1
`,
    )
  })

  test('A credential that may not read output learns what failed and whom to ask', async (t) => {
    const hidden = { ...failure, hint: null, output: null, output_hidden: true }
    const { url } = await startServer(t, { last_action: { ...failed, failure: hidden } })
    const { stderr } = await runOcto({ OCTOPOD_URL: url }, ...update)
    assert.equal(
      stderr,
      `octo: update (action 7) failed: The update script failed with exit code 3.
Its output needs another credential: ask an operator. Try again: octo retry -n x1
`,
    )
  })

  test('A server that sends no failure: the exit code and the error', async (t) => {
    const { url } = await startServer(t, { last_action: { ...failed, error: 'Defaults could not be read.' } })
    const { stderr } = await runOcto({ OCTOPOD_URL: url }, ...update)
    assert.match(
      stderr,
      /^octo: update \(action 7\) failed with exit code 3\. Defaults could not be read\.\nSee its/,
    )
  })

  test('A failed check is shown with its words after --wait, in info and in status', async (t) => {
    const last_action = { ...failed, state: 'succeeded', exit_code: 0 }
    const { url } = await startServer(t, { last_action, last_check: { ...check, failure: checkFailure } })
    const environment = { OCTOPOD_URL: url }
    const { code, stderr } = await runOcto(environment, ...update)
    assert.equal(code, 1)
    assert.equal(
      stderr,
      `octo: Deployment x1 is GenericFailure. The check script failed with exit code 1.
  503 from /health
See octo info -n x1 and the output of its last action.
`,
    )
    const expected = `Status: GenericFailure (Failing)
Last check, 2026-03-01T10:00:09Z: The check script failed with exit code 1.
    503 from /health
Stop waiting for the check: octo stop-waiting -n x1
Links:
`
    for (const command of ['info', 'status']) {
      const { stdout } = await runOcto(environment, command, '-n', 'x1')
      assert.ok(stdout.startsWith(expected), stdout)
    }
  })

  test('A wait that times out says what the check said', async (t) => {
    const last_action = { ...failed, state: 'succeeded', exit_code: 0 }
    const last_check = { ...check, failure: checkFailure }
    const waits_until = '2026-03-01T10:10:00.000Z'
    const { url } = await startServer(t, { ...updating, last_action, last_check, waits_until })
    const args = ['update', '-n', 'x1', '--wait', '--timeout', '0.5s']
    assert.deepEqual(await runOcto({ OCTOPOD_URL: url }, ...args), {
      code: 3,
      stdout: '',
      stderr: `x1: UpdatePending, waiting for the check until 2026-03-01T10:10:00Z (503 from /health)
octo: Deployment x1 did not become Running in time. Its check fails.
The check script failed with exit code 1.
  503 from /health
Nothing was cancelled. Wait again: octo wait -n x1. Stop waiting: octo stop-waiting -n x1
`,
    })
  })

  test('--wait says once how to stop waiting for a check that keeps failing', async (t) => {
    let requests = 0
    const stateAt = (second: number) =>
      fullInfo('x1', {
        ...updating,
        last_action: { ...failed, state: 'succeeded', exit_code: 0 },
        last_check: { ...check, checked_at: `2026-03-01T10:01:${second}.000000Z`, failure: checkFailure },
      })
    const { url } = await fakeServer(t, {
      'PUT /api/v1/deployments/x1': { ...success, headers: { 'octopod-action-id': '7' } },
      'GET /api/v1/deployments/x1/full_info': () => {
        const second = [10, 25, 40, 55][requests]
        requests += 1
        return { body: second === undefined ? fullInfo('x1', running) : stateAt(second) }
      },
      'GET /api/v1/actions/7': {
        body: { ...failed, state: 'succeeded', exit_code: 0, deployment: 'x1', failure: null },
      },
    })
    assert.deepEqual(await runOcto({ OCTOPOD_URL: url }, 'update', 'x1', '--wait'), {
      code: 0,
      stdout: '',
      stderr: `x1: UpdatePending, waiting for the check (503 from /health)
The check of x1 keeps failing. Stop waiting for it: octo stop-waiting x1
x1: Running
`,
    })
  })

  test('info and status say until when the deployment waits, and which other scripts fail', async (t) => {
    const { url } = await startServer(t, {
      ...updating,
      last_action: { ...failed, state: 'succeeded', exit_code: 0 },
      last_check: { ...check, failure: checkFailure },
      waits_until: '2026-03-01T10:10:00.000Z',
      failed_scripts: [
        {
          failed_at: '2026-03-01T09:00:00.000Z',
          failure: {
            ...failure,
            script: 'info',
            message: 'The info script failed.',
            hint: null,
            output: 'no\nlinks',
          },
        },
        {
          failed_at: '2026-03-01T09:30:00.000Z',
          failure: { ...failure, message: 'Another failed.', hint: null, output: null, output_hidden: true },
        },
      ],
    })
    const expected = `Status: UpdatePending (Updating), waiting for the check until 2026-03-01T10:10:00Z
Last check, 2026-03-01T10:00:09Z: The check script failed with exit code 1.
    503 from /health
Stop waiting for the check: octo stop-waiting -n x1
Since 2026-03-01T09:00:00Z: The info script failed.
    no
    links
Since 2026-03-01T09:30:00Z: Another failed.
  Its output needs another credential: ask an operator.
Links:
`
    for (const command of ['info', 'status']) {
      const { stdout } = await runOcto({ OCTOPOD_URL: url }, command, '-n', 'x1')
      assert.ok(stdout.startsWith(expected), stdout)
    }
  })

  test('info and status begin with status, reason and links', async (t) => {
    const { url } = await startServer(t, {
      ...running,
      last_action: { ...failed, failure },
      last_check: { ...check, exit_code: 0, error: null },
    })
    const expected = `Status: Running, last update failed
Last action, 2026-03-01T10:00:03Z: The update script failed with exit code 3.
  Image shop:v9 was not found in the registry.
    Pulling
    Error: image shop:v9 not found
Try again: octo retry -n x1. Its output: octo logs -a 7
Links:
  app: http://x1.localhost
`
    const environment = { OCTOPOD_URL: url }
    const shown = await runOcto(environment, 'info', '-n', 'x1')
    assert.ok(shown.stdout.startsWith(`${expected}\nCurrent settings:\n`), shown.stdout)
    assert.deepEqual(await runOcto(environment, 'status', '-n', 'x1'), {
      code: 1,
      stdout: `${expected}Check now: failed\n`,
      stderr: '',
    })
    const record = JSON.parse((await runOcto(environment, 'status', '-n', 'x1', '-o', 'json')).stdout)
    assert.equal(record.reason, `${failure.message} ${failure.hint}`)
    assert.equal(record.status, 'Running, last update failed')
    assert.deepEqual(record.links, [{ name: 'app', link: 'http://x1.localhost' }])
  })

  test('A running deployment with a failed last action is not shown as plain Running', async (t) => {
    const last = { ...failed, error: failure.message }
    const { url } = await startServer(t, { ...running, last_action: last })
    const environment = { OCTOPOD_URL: url }
    const { stdout } = await runOcto(environment, 'list', '-o', 'table')
    assert.match(stdout, /^x1 +Running, last update failed +update 7 failed/m)
    const watched = await runOcto(environment, 'watch', '--timeout', '1s')
    assert.equal(
      watched.stdout,
      `x1  Running, last update failed  update 7 failed by ann: ${failure.message}\n`,
    )
  })
})
