/** octo app-logs against a fake server. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { AppLogEvents } from '../../../domain/output/app-log-events.ts'
import { type FakeResponse, fakeServer, runOcto, startOcto } from '../fake-server.ts'
import { fullInfo } from '../wire-fixtures.ts'

type Event = { [Name in keyof AppLogEvents]: [Name, AppLogEvents[Name]] }[keyof AppLogEvents]

/** The ids count from `first`. */
const events = (first: number, ...all: Event[]): FakeResponse => ({
  type: 'text/event-stream',
  body: `retry: 2000\n\n${all
    .map(
      ([event, data], index) =>
        `id: run.${first + index}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`,
    )
    .join('')}`,
})
const running: Event = ['state', { state: 'running', resumed: false }]
const line = (text: string): Event => ['line', { at: '2026-03-01T10:00:00.000Z', text }]
const finished: Event = ['end', { reason: 'finished', message: 'The app_logs script has ended.' }]
const path = 'GET /api/v1/deployments/shop/app_logs'

suite('app-logs', { concurrency: 4 }, () => {
  test('app-logs prints the last lines and ends with the script', async (t) => {
    const { url, requests } = await fakeServer(t, {
      [path]: events(0, running, line('one'), line('two'), finished),
    })
    assert.deepEqual(await runOcto({ OCTOPOD_URL: url }, 'app-logs', 'shop'), {
      code: 0,
      stdout: 'one\ntwo\n',
      stderr: '',
    })
    assert.equal(requests[0]?.query, 'tail=200&follow=false')
    const jsonl = await runOcto({ OCTOPOD_URL: url }, 'app-logs', 'shop', '--tail', '3', '-o', 'jsonl')
    assert.deepEqual(JSON.parse(jsonl.stdout.split('\n')[0] ?? ''), line('one')[1])
    assert.equal(requests[1]?.query, 'tail=3&follow=false')
  })

  test('app-logs says which lines are missing, and why the script has failed', async (t) => {
    const { url } = await fakeServer(t, {
      [path]: events(
        0,
        running,
        ['dropped', { lines: 7, reason: 'rate_limit' }],
        ['end', { reason: 'failed', message: 'The app_logs script failed with exit code 3: no pods' }],
      ),
    })
    const { code, stderr } = await runOcto({ OCTOPOD_URL: url }, 'app-logs', 'shop', '-f')
    assert.equal(code, 1)
    assert.match(stderr, /7 lines are missing: the app logs too fast/)
    assert.match(stderr, /failed with exit code 3: no pods/)
  })

  test('app-logs -f says that the deployment is archived', async (t) => {
    const archived = { status: { tag: 'DeploymentNotPending', recorded_status: { tag: 'Archived' } } }
    const { url } = await fakeServer(t, {
      [path]: events(0, running, line('one'), finished),
      'GET /api/v1/deployments/shop/full_info': { body: fullInfo('shop', archived) },
    })
    const stderr = 'octo: shop is archived: new lines come only after octo restore shop.\n'
    const followed = await runOcto({ OCTOPOD_URL: url }, 'app-logs', 'shop', '-f')
    assert.deepEqual(followed, { code: 0, stdout: 'one\n', stderr })
  })

  test('app-logs -f goes on after its last line when the connection ends, and when the runner is lost', async (t) => {
    const answers = [
      events(0, running, line('one')),
      events(2, line('two'), ['end', { reason: 'runner_lost', message: 'The runner of the logs is gone.' }]),
      events(0, running, line('three'), finished),
    ]
    const { url, requests } = await fakeServer(t, { [path]: () => answers.shift() ?? { status: 500 } })
    const { code, stdout, stderr } = await runOcto({ OCTOPOD_URL: url }, 'app-logs', 'shop', '-f')
    assert.equal(code, 0)
    assert.equal(stdout, 'one\ntwo\nthree\n')
    assert.match(stderr, /The runner of the logs is gone\. Reconnecting/)
    assert.deepEqual(
      requests
        .filter(({ path }) => path.endsWith('/app_logs'))
        .map(({ headers }) => headers['last-event-id']),
      [undefined, 'run.1', 'run.3'],
    )
  })

  test('app-logs -f prints each line as it comes in every format', async (t) => {
    const { url } = await fakeServer(t, { [path]: events(0, running, line('one'), line('two')) })
    const expected = {
      jsonl: /^\{.*"text": ?"one"/,
      json: /^\{[^}]*"text": ?"one"[^}]*\}\n/,
      yaml: /^---\n[^-]*(.|\n)*text: one\n/,
      table: /^one\n/,
      name: /^one\n/,
    }
    for (const [format, pattern] of Object.entries(expected)) {
      const octo = startOcto({ OCTOPOD_URL: url }, 'app-logs', 'shop', '-f', '-o', format)
      await octo.waitUntil(({ stdout }) => pattern.test(stdout))
      octo.child.kill('SIGINT')
      await octo.ended
    }
  })

  test('Ctrl-C ends app-logs -f without a message', async (t) => {
    const { url } = await fakeServer(t, { [path]: events(0, running, line('one')) })
    const octo = startOcto({ OCTOPOD_URL: url }, 'app-logs', 'shop', '-f')
    await octo.waitUntil(({ stdout }) => stdout.includes('one'))
    octo.child.kill('SIGINT')
    const { stderr } = await octo.ended
    assert.equal(stderr, '')
  })

  test('app-logs without a script, without a place and with a wrong number is an error', async (t) => {
    const answer = (status: number, code: string, error_message: string) => ({
      status,
      body: { tag: 'AppError', error_message, code },
    })
    const missing = await fakeServer(t, {
      [path]: answer(404, 'no_app_logs', 'There is no app_logs script.'),
    })
    const noScript = await runOcto({ OCTOPOD_URL: missing.url }, 'app-logs', 'shop', '-f')
    assert.equal(noScript.code, 5)
    assert.match(noScript.stderr, /There is no app_logs script.*docs\/control-scripts\.md/s)
    const full = await fakeServer(t, { [path]: answer(503, 'app_logs_busy', 'All places are taken.') })
    const busy = await runOcto({ OCTOPOD_URL: full.url }, 'app-logs', 'shop', '-f')
    assert.equal(busy.code, 7)
    assert.match(busy.stderr, /All places are taken/)
    const wrong = await runOcto({ OCTOPOD_URL: full.url }, 'app-logs', 'shop', '--tail', '9999')
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /--tail needs a whole number from 0 to 5000/)
  })
})
