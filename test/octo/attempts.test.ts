/** INTERRUPTED_ACTIONS=retry: the runner of action 7 is lost, and the system makes a second attempt as action 8. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { fakeServer, type Laid, octo, startOcto, success } from './fake-server.ts'
import { fullInfo, summary } from './wire.ts'

const first = { ...summary, action_id: 7 }
const lost = { ...first, state: 'interrupted', error: 'Its runner r1 was lost or had to give it up.' }
const second = { ...summary, action_id: 8, attempt: 2, reason: 'Retry of action 7, whose runner was lost.' }
const underWay = { tag: 'DeploymentPending', recorded_status: { tag: 'UpdatePending' } }
const arrived = { tag: 'DeploymentNotPending', recorded_status: { tag: 'Running' } }

const streamed = (text: string, state: string): Laid => ({
  type: 'text/event-stream',
  body: `id: 1\nevent: chunk\ndata: ${JSON.stringify({ seq: 1, stream: 'stdout', text, at: summary.created_at })}\n\nid: 1\nevent: end\ndata: ${JSON.stringify({ state })}\n\n`,
})

/** The second attempt runs for one look, or until it is cancelled, and then ends in this state. */
async function served(t: TestContext, end: 'succeeded' | 'cancelled') {
  let looks = 0
  let cancelled = false
  const state = () => {
    if (cancelled) return 'cancelled'
    return end === 'succeeded' && looks > 2 ? 'succeeded' : 'running'
  }
  return fakeServer(t, {
    'PUT /api/v1/deployments/x1': { ...success, headers: { 'octopod-action-id': '7' } },
    'GET /api/v1/actions/7': {
      body: { ...lost, deployment: 'x1', app_overrides: [], deployment_overrides: [] },
    },
    'GET /api/v1/actions/7/output/stream': streamed('half\n', 'interrupted'),
    'GET /api/v1/actions/8/output/stream': streamed('whole\n', 'succeeded'),
    'POST /api/v1/actions/7/cancel': {
      status: 409,
      body: { tag: 'AppError', error_message: 'Action 7 has ended already: interrupted.', code: 'too_late' },
    },
    'POST /api/v1/actions/8/cancel': () => {
      cancelled = true
      return success
    },
    'GET /api/v1/deployments/x1/full_info': () => {
      looks += 1
      const status = state() === 'succeeded' ? arrived : underWay
      return { body: fullInfo('x1', { status, last_action: { ...second, state: state() } }) }
    },
  })
}

const goesOn = /^Action 7 was interrupted, its runner was lost: attempt 2 is action 8\.\n/m

suite('a second attempt by the system', { concurrency: 4 }, () => {
  test('--wait goes on with it, and tells its id and its end', async (t) => {
    const { url } = await served(t, 'succeeded')
    const ran = await octo({ OCTOPOD_URL: url }, 'update', '-n', 'x1', '--wait', '-o', 'json')
    assert.equal(ran.code, 0, ran.stderr)
    assert.match(ran.stderr, goesOn)
    const { action_id, state, status } = JSON.parse(ran.stdout)
    assert.deepEqual([action_id, state, status], [8, 'succeeded', 'Running'])
  })

  test('octo wait -a of the first one goes on with it', async (t) => {
    const { url } = await served(t, 'succeeded')
    const ran = await octo({ OCTOPOD_URL: url }, 'wait', '-a', '7')
    assert.equal(ran.code, 0, ran.stderr)
    assert.match(ran.stderr, goesOn)
  })

  test('--follow shows the output of both, one after the other', async (t) => {
    const { url } = await served(t, 'succeeded')
    const ran = await octo({ OCTOPOD_URL: url }, 'update', '-n', 'x1', '--follow', '-q')
    assert.deepEqual(ran, { code: 0, stdout: '', stderr: 'half\nwhole\n' })
  })

  test('--cancel-on-interrupt cancels it', async (t) => {
    const { url, asked } = await served(t, 'cancelled')
    const typed = ['update', '-n', 'x1', '--wait', '--cancel-on-interrupt']
    const started = startOcto({ OCTOPOD_URL: url }, ...typed)
    await started.until(({ stderr }) => stderr.includes('action 8 is running'))
    started.child.kill('SIGTERM')
    const { code, stderr } = await started.ended
    assert.equal(code, 4, stderr)
    assert.match(stderr, /Cancelling action 8;/)
    assert.deepEqual(
      asked.flatMap(({ path }) => (path.endsWith('/cancel') ? path : [])),
      ['/api/v1/actions/8/cancel'],
    )
  })
})
