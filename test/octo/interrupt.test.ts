/** Ctrl-C while octo waits: what is said, what goes on, what is cancelled. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { fakeServer, startOcto, success } from './fake-server.ts'
import { fullInfo, summary } from './wire.ts'

/** An update that runs until it is cancelled. */
async function served(t: TestContext) {
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

async function waiting(t: TestContext, ...args: string[]) {
  const { url, asked } = await served(t)
  const started = startOcto({ OCTOPOD_URL: url }, ...args)
  await started.until(({ stderr }) => stderr.includes('is running'))
  return { ...started, asked }
}

suite('Ctrl-C while octo waits', { concurrency: 4 }, () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    test(`${signal}: the action goes on, and it is said how to wait on and how to end it`, async (t) => {
      const { child, ended, asked } = await waiting(t, 'update', '-n', 'x1', '--wait')
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
    const { child, ended } = await waiting(t, 'wait', '-n', 'x1', '--for', 'running')
    child.kill('SIGINT')
    assert.match((await ended).stderr, /\nWaiting has ended; octo wait -n x1 waits on\.\n$/)
  })

  test('with --cancel-on-interrupt the action is cancelled, and its end waited for', async (t) => {
    const { child, ended, asked } = await waiting(t, 'update', '-n', 'x1', '--wait', '--cancel-on-interrupt')
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
