/** Ctrl-C while octo starts an action and waits for it: messages, and whether the action is cancelled. */
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

/** Starts octo with a server that holds its response back until the test calls `respond`. */
async function startWithHeldResponse(t: TestContext, ...args: string[]) {
  let respond = (_: FakeResponse) => {}
  const response = new Promise<FakeResponse>((resolve) => {
    respond = resolve
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
  await waitFor(
    'the request has arrived',
    async () => ({ done: requests.some(({ method }) => method !== 'GET'), value: null }),
    60_000,
  )
  return { ...started, requests, respond }
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
  const args = ['create', '-n', 'x1', '--or-update', '-e', 'a=1', ...extraArgs]
  const started = startOcto({ OCTOPOD_URL: url }, ...args)
  await started.waitUntil(({ stderr }) => stderr.includes('action 5 is running'))
  return { ...started, requests }
}

const errorResponse = (status: number, code: string): FakeResponse => ({
  status,
  body: { tag: 'AppError', error_message: 'Refused.', code },
})
const cancelPaths = (requests: { path: string }[]) =>
  requests.flatMap(({ path }) => (path.endsWith('/cancel') ? path : []))

async function startWaiting(t: TestContext, ...args: string[]) {
  const { url, requests } = await startFakeServer(t)
  const started = startOcto({ OCTOPOD_URL: url }, ...args)
  await started.waitUntil(({ stderr }) => stderr.includes('is running'))
  return { ...started, requests }
}

suite('Ctrl-C while octo waits', { concurrency: 4 }, () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    test(`After ${signal} the action goes on, and octo prints how to wait for it and how to cancel it`, async (t) => {
      const { child, ended, requests } = await startWaiting(t, 'update', '-n', 'x1', '--wait')
      child.kill(signal)
      const { stdout, stderr } = await ended
      assert.deepEqual([child.signalCode, stdout], [signal, ''])
      assert.match(
        stderr,
        /\nStopped waiting; action 7 goes on\. Wait again: octo wait -a 7\. Cancel it: octo cancel -a 7\.\n$/,
      )
      assert.ok(!requests.some(({ path }) => path.endsWith('/cancel')))
    })

  test('octo wait prints how to wait again', async (t) => {
    const { child, ended } = await startWaiting(t, 'wait', '-n', 'x1', '--for', 'running')
    child.kill('SIGINT')
    assert.match((await ended).stderr, /\nStopped waiting\. Wait again: octo wait -n x1\.\n$/)
  })

  test('With --cancel-on-interrupt octo cancels the action and waits for its end', async (t) => {
    const { child, ended, requests } = await startWaiting(
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
      /Cancelling action 7\. Press Ctrl-C again to quit now\.\n[\s\S]*was cancelled by ann\.\n$/,
    )
    assert.equal(requests.filter(({ path }) => path.endsWith('/cancel')).length, 1)
  })
})

suite('Ctrl-C before the response of the server', { concurrency: 4 }, () => {
  test('octo prints that the result is unknown, and how to check it', async (t) => {
    const { child, ended, requests } = await startWithHeldResponse(t, 'update', '-n', 'x1')
    child.kill('SIGTERM')
    const { stderr } = await ended
    assert.equal(child.signalCode, 'SIGTERM')
    assert.equal(
      stderr,
      'It is unknown whether the server accepted the request. Check with: octo actions -n x1.\n',
    )
    assert.deepEqual(cancelPaths(requests), [])
  })

  const cancelling = ['--wait', '--cancel-on-interrupt']

  test('With --cancel-on-interrupt octo cancels the action once it is accepted', async (t) => {
    const { child, ended, waitUntil, requests, respond } = await startWithHeldResponse(
      t,
      'update',
      '-n',
      'x1',
      ...cancelling,
    )
    child.kill('SIGTERM')
    await waitUntil(({ stderr }) => stderr.includes('as soon as it is accepted'))
    respond({ ...success, headers: { 'octopod-action-id': '7' } })
    const { code, stderr } = await ended
    assert.equal(code, 4, stderr)
    assert.deepEqual(cancelPaths(requests), ['/api/v1/actions/7/cancel'])
  })

  test('A second Ctrl-C ends octo at once', async (t) => {
    const { child, ended, waitUntil } = await startWithHeldResponse(t, 'update', '-n', 'x1', ...cancelling)
    child.kill('SIGINT')
    await waitUntil(({ stderr }) => stderr.includes('Press Ctrl-C again'))
    child.kill('SIGINT')
    assert.match((await ended).stderr, /\nIt is unknown whether the server accepted the request\. .*\n$/)
    assert.equal(child.signalCode, 'SIGINT')
  })

  test('A refused request is an error as usual', async (t) => {
    const { child, ended, waitUntil, respond } = await startWithHeldResponse(
      t,
      'update',
      '-n',
      'x1',
      ...cancelling,
    )
    child.kill('SIGTERM')
    await waitUntil(({ stderr }) => stderr.includes('as soon as it is accepted'))
    respond(errorResponse(409, 'busy'))
    const { code, stderr } = await ended
    assert.equal(code, 5, stderr)
    assert.match(stderr, /octo: Refused\.\n/)
  })

  test('create --or-update sends no further request', async (t) => {
    const args = ['create', '-n', 'x1', '--or-update', ...cancelling]
    const { child, ended, waitUntil, requests, respond } = await startWithHeldResponse(t, ...args)
    child.kill('SIGTERM')
    await waitUntil(({ stderr }) => stderr.includes('as soon as it is accepted'))
    respond(errorResponse(400, 'name_taken'))
    const { code, stderr } = await ended
    assert.equal(code, 4, stderr)
    assert.match(stderr, /octo: Ended by a signal\. No action was started\.\n$/)
    assert.ok(!requests.some(({ method }) => method === 'PUT'))
  })
})

suite('Ctrl-C while create --or-update restores the deployment first', { concurrency: 4 }, () => {
  test('The restore goes on, and octo prints that the update was not sent', async (t) => {
    const { child, ended, requests } = await startRestore(t)
    child.kill('SIGTERM')
    assert.match((await ended).stderr, /action 5 goes on\. .* The update was not sent\.\n$/)
    assert.equal(child.signalCode, 'SIGTERM')
    assert.deepEqual(cancelPaths(requests), [])
  })

  test('With --cancel-on-interrupt octo cancels the restore', async (t) => {
    const { child, ended, requests } = await startRestore(t, '--wait', '--cancel-on-interrupt')
    child.kill('SIGTERM')
    const { code, stderr } = await ended
    assert.equal(code, 4, stderr)
    assert.match(stderr, /octo: restore \(action 5\) was cancelled\. The update was not sent\.\n$/)
    assert.deepEqual(cancelPaths(requests), ['/api/v1/actions/5/cancel'])
    assert.ok(!requests.some(({ method }) => method === 'PUT'))
  })
})
