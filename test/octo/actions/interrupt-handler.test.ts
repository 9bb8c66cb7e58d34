/** Ctrl-C while octo begins an action and waits for it: what is said, what goes on, what is cancelled. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { waitFor } from '../../helpers/wait-for.ts'
import { type FakeResponse, fakeServer, startOcto, success } from '../fake-server.ts'
import { fullInfo, summary } from '../wire-fixtures.ts'

/** An update that runs until it is cancelled. */
async function startFakeServer(t: TestContext) {
  let state = 'running'
  const action = () => ({ ...summary, state, cancelled_by: state === 'cancelled' ? 'ann' : null })
  return fakeServer(t, {
    'GET /api/v1/deployments/x1/full_info': () => ({ body: fullInfo('x1', { last_action: action() }) }),
    'PUT /api/v1/deployments/x1': { ...success, headers: { 'octopod-action-id': '7' } },
    'POST /api/v1/actions/7/cancel': () => {
      state = 'cancelled'
      return success
    },
  })
}

/** An update whose answer comes when the test lets it. */
async function startWithHeldResponse(t: TestContext, ...args: string[]) {
  let answer = (_: FakeResponse) => {}
  const response = new Promise<FakeResponse>((resolve) => {
    answer = resolve
  })
  let state = 'running'
  const { url, requests } = await fakeServer(t, {
    'GET /api/v1/deployments/x1/full_info': () => ({
      body: fullInfo('x1', { last_action: { ...summary, state } }),
    }),
    'POST /api/v1/deployments': () => response,
    'PUT /api/v1/deployments/x1': () => response,
    'POST /api/v1/actions/7/cancel': () => {
      state = 'cancelled'
      return success
    },
  })
  const started = startOcto({ OCTOPOD_URL: url }, ...args)
  await waitFor('the request is there', async () => ({
    done: requests.some(({ method }) => method !== 'GET'),
    value: null,
  }))
  return { ...started, asked: requests, answer }
}

/** An archived deployment, whose restore runs until it is cancelled. */
async function startRestore(t: TestContext, ...extraArgs: string[]) {
  let state: string | null = null
  const { url, requests } = await fakeServer(t, {
    'POST /api/v1/deployments': errorResponse(400, 'name_taken'),
    'PATCH /api/v1/deployments/x1/restore': () => {
      state = 'running'
      return { ...success, headers: { 'octopod-action-id': '5' } }
    },
    'POST /api/v1/actions/5/cancel': () => {
      state = 'cancelled'
      return success
    },
    'GET /api/v1/deployments/x1/full_info': () => ({
      body: fullInfo('x1', {
        status: { tag: 'DeploymentNotPending', recorded_status: { tag: 'Archived' } },
        last_action: state === null ? null : { ...summary, action: 'RestoreAction', action_id: 5, state },
      }),
    }),
  })
  const typed = ['create', '-n', 'x1', '--or-update', '-e', 'a=1', ...extraArgs]
  const started = startOcto({ OCTOPOD_URL: url }, ...typed)
  await started.waitUntil(({ stderr }) => stderr.includes('action 5 is running'))
  return { ...started, asked: requests }
}

const errorResponse = (status: number, code: string): FakeResponse => ({
  status,
  body: { tag: 'AppError', error_message: 'It says no.', code },
})
const cancelPaths = (asked: { path: string }[]) =>
  asked.flatMap(({ path }) => (path.endsWith('/cancel') ? path : []))

async function startWaiting(t: TestContext, ...args: string[]) {
  const { url, requests } = await startFakeServer(t)
  const started = startOcto({ OCTOPOD_URL: url }, ...args)
  await started.waitUntil(({ stderr }) => stderr.includes('is running'))
  return { ...started, asked: requests }
}

suite('Ctrl-C while octo waits', { concurrency: 4 }, () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    test(`${signal}: the action goes on, and it is said how to wait on and how to end it`, async (t) => {
      const { child, ended, asked } = await startWaiting(t, 'update', '-n', 'x1', '--wait')
      child.kill(signal)
      const { stdout, stderr } = await ended
      assert.deepEqual([child.signalCode, stdout], [signal, ''])
      assert.match(
        stderr,
        /\nWaiting has ended, action 7 goes on: octo wait -a 7 waits on, octo cancel -a 7 ends it\.\n$/,
      )
      assert.ok(!asked.some(({ path }) => path.endsWith('/cancel')))
    })

  test('octo wait names the command that waits on', async (t) => {
    const { child, ended } = await startWaiting(t, 'wait', '-n', 'x1', '--for', 'running')
    child.kill('SIGINT')
    assert.match((await ended).stderr, /\nWaiting has ended; octo wait -n x1 waits on\.\n$/)
  })

  test('with --cancel-on-interrupt the action is cancelled, and its end waited for', async (t) => {
    const { child, ended, asked } = await startWaiting(
      t,
      'update',
      '-n',
      'x1',
      '--wait',
      '--cancel-on-interrupt',
    )
    child.kill('SIGINT')
    const { code, stderr } = await ended
    assert.equal(code, 4, stderr)
    assert.match(
      stderr,
      /Cancelling action 7; a second Ctrl-C ends at once\.\n[\s\S]*was cancelled by ann\.\n$/,
    )
    assert.equal(asked.filter(({ path }) => path.endsWith('/cancel')).length, 1)
  })
})

suite('Ctrl-C while the server has not answered yet', { concurrency: 4 }, () => {
  test('it is said that it may have been accepted, and how to look', async (t) => {
    const { child, ended, asked } = await startWithHeldResponse(t, 'update', '-n', 'x1')
    child.kill('SIGTERM')
    const { stderr } = await ended
    assert.equal(child.signalCode, 'SIGTERM')
    assert.equal(stderr, 'Whether the request was accepted is not known: octo actions -n x1 tells.\n')
    assert.deepEqual(cancelPaths(asked), [])
  })

  const cancelling = ['--wait', '--cancel-on-interrupt']

  test('with --cancel-on-interrupt the action is cancelled once it is accepted', async (t) => {
    const {
      child,
      ended,
      waitUntil,
      asked,
      answer: respond,
    } = await startWithHeldResponse(t, 'update', '-n', 'x1', ...cancelling)
    child.kill('SIGTERM')
    await waitUntil(({ stderr }) => stderr.includes('as soon as it is accepted'))
    respond({ ...success, headers: { 'octopod-action-id': '7' } })
    const { code, stderr } = await ended
    assert.equal(code, 4, stderr)
    assert.deepEqual(cancelPaths(asked), ['/api/v1/actions/7/cancel'])
  })

  test('a second one ends octo at once', async (t) => {
    const { child, ended, waitUntil } = await startWithHeldResponse(t, 'update', '-n', 'x1', ...cancelling)
    child.kill('SIGINT')
    await waitUntil(({ stderr }) => stderr.includes('a second Ctrl-C ends at once'))
    child.kill('SIGINT')
    assert.match((await ended).stderr, /\nWhether the request was accepted is not known: .*\n$/)
    assert.equal(child.signalCode, 'SIGINT')
  })

  test('what is refused then is told as ever', async (t) => {
    const {
      child,
      ended,
      waitUntil,
      answer: respond,
    } = await startWithHeldResponse(t, 'update', '-n', 'x1', ...cancelling)
    child.kill('SIGTERM')
    await waitUntil(({ stderr }) => stderr.includes('as soon as it is accepted'))
    respond(errorResponse(409, 'busy'))
    const { code, stderr } = await ended
    assert.equal(code, 5, stderr)
    assert.match(stderr, /octo: It says no\.\n/)
  })

  test('create --or-update asks for nothing more', async (t) => {
    const typed = ['create', '-n', 'x1', '--or-update', ...cancelling]
    const { child, ended, waitUntil, asked, answer: respond } = await startWithHeldResponse(t, ...typed)
    child.kill('SIGTERM')
    await waitUntil(({ stderr }) => stderr.includes('as soon as it is accepted'))
    respond(errorResponse(400, 'name_taken'))
    const { code, stderr } = await ended
    assert.equal(code, 4, stderr)
    assert.match(stderr, /octo: Ended by a signal\. Nothing was begun\.\n$/)
    assert.ok(!asked.some(({ method }) => method === 'PUT'))
  })
})

suite('Ctrl-C while create --or-update restores the deployment first', { concurrency: 4 }, () => {
  test('the restore goes on, and it is said that the update was not sent', async (t) => {
    const { child, ended, asked } = await startRestore(t)
    child.kill('SIGTERM')
    assert.match((await ended).stderr, /action 5 goes on: .* ends it\. The update was not sent\.\n$/)
    assert.equal(child.signalCode, 'SIGTERM')
    assert.deepEqual(cancelPaths(asked), [])
  })

  test('with --cancel-on-interrupt the restore is cancelled', async (t) => {
    const { child, ended, asked } = await startRestore(t, '--wait', '--cancel-on-interrupt')
    child.kill('SIGTERM')
    const { code, stderr } = await ended
    assert.equal(code, 4, stderr)
    assert.match(stderr, /octo: restore \(action 5\) was cancelled\. The update was not sent\.\n$/)
    assert.deepEqual(cancelPaths(asked), ['/api/v1/actions/5/cancel'])
    assert.ok(!asked.some(({ method }) => method === 'PUT'))
  })
})
