/** INTERRUPTED_ACTIONS=retry: the runner of action 7 is lost, and the system starts a second attempt as action 8. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { type FakeResponse, fakeServer, runOcto, startOcto, success } from '../fake-server.ts'
import { fullInfo, summary } from '../wire-fixtures.ts'

const first = { ...summary, action_id: 7 }
const interrupted = { ...first, state: 'interrupted', error: 'Its runner r1 was lost or lost its lease.' }
const second = { ...summary, action_id: 8, attempt: 2, reason: 'Retry of action 7, whose runner was lost.' }
const pendingStatus = { tag: 'DeploymentPending', recorded_status: { tag: 'UpdatePending' } }
const runningStatus = { tag: 'DeploymentNotPending', recorded_status: { tag: 'Running' } }

const streamResponse = (text: string, state: string): FakeResponse => ({
  type: 'text/event-stream',
  body: `id: 1\nevent: chunk\ndata: ${JSON.stringify({ seq: 1, stream: 'stdout', text, at: summary.created_at })}\n\nid: 1\nevent: end\ndata: ${JSON.stringify({ state })}\n\n`,
})

/** The second attempt runs until the second fetch, or until it is cancelled, and then ends in this state. */
async function startFakeServer(t: TestContext, end: 'succeeded' | 'cancelled') {
  let fetchCount = 0
  let cancelled = false
  const state = () => {
    if (cancelled) return 'cancelled'
    return end === 'succeeded' && fetchCount > 2 ? 'succeeded' : 'running'
  }
  return fakeServer(t, {
    'PUT /api/v1/deployments/x1': { ...success, headers: { 'octopod-action-id': '7' } },
    'GET /api/v1/actions/7': {
      body: { ...interrupted, deployment: 'x1', failure: null, app_overrides: [], deployment_overrides: [] },
    },
    'GET /api/v1/actions/7/output/stream': streamResponse('half\n', 'interrupted'),
    'GET /api/v1/actions/8/output/stream': streamResponse('whole\n', 'succeeded'),
    'POST /api/v1/actions/7/cancel': {
      status: 409,
      body: {
        tag: 'AppError',
        error_message: 'Action 7 has ended already: interrupted.',
        code: 'action_finished',
      },
    },
    'POST /api/v1/actions/8/cancel': () => {
      cancelled = true
      return success
    },
    'GET /api/v1/deployments/x1/full_info': () => {
      fetchCount += 1
      const status = state() === 'succeeded' ? runningStatus : pendingStatus
      return { body: fullInfo('x1', { status, last_action: { ...second, state: state() } }) }
    },
  })
}

const continuesNotice = /^Action 7 was interrupted: its runner was lost\. Attempt 2 is action 8\.\n/m

suite('a second attempt by the system', { concurrency: 4 }, () => {
  test('--wait waits for the second attempt and prints its id and its result', async (t) => {
    const { url } = await startFakeServer(t, 'succeeded')
    const result = await runOcto({ OCTOPOD_URL: url }, 'update', '-n', 'x1', '--wait', '-o', 'json')
    assert.equal(result.code, 0, result.stderr)
    assert.match(result.stderr, continuesNotice)
    const { action_id, state, status } = JSON.parse(result.stdout)
    assert.deepEqual([action_id, state, status], [8, 'succeeded', 'Running'])
  })

  test('octo wait -a with the first attempt waits for the second', async (t) => {
    const { url } = await startFakeServer(t, 'succeeded')
    const result = await runOcto({ OCTOPOD_URL: url }, 'wait', '-a', '7')
    assert.equal(result.code, 0, result.stderr)
    assert.match(result.stderr, continuesNotice)
  })

  test('--follow prints the output of both attempts', async (t) => {
    const { url } = await startFakeServer(t, 'succeeded')
    const result = await runOcto({ OCTOPOD_URL: url }, 'update', '-n', 'x1', '--follow', '-q')
    assert.deepEqual(result, { code: 0, stdout: '', stderr: 'half\nwhole\n' })
  })

  test('--cancel-on-interrupt cancels the second attempt', async (t) => {
    const { url, requests } = await startFakeServer(t, 'cancelled')
    const args = ['update', '-n', 'x1', '--wait', '--cancel-on-interrupt']
    const started = startOcto({ OCTOPOD_URL: url }, ...args)
    await started.waitUntil(({ stderr }) => stderr.includes('action 8 is running'))
    started.child.kill('SIGTERM')
    const { code, stderr } = await started.ended
    assert.equal(code, 4, stderr)
    assert.match(stderr, /Cancelling action 8\./)
    assert.deepEqual(
      requests.flatMap(({ path }) => (path.endsWith('/cancel') ? path : [])),
      ['/api/v1/actions/8/cancel'],
    )
  })
})
