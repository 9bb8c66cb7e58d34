/** octo archive, set, label and others of many deployments. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fakeServer, type RecordedRequest, runOcto } from '../fake-server.ts'
import { fullInfo } from '../wire-fixtures.ts'

const ndjson = (...lines: object[]) => ({
  type: 'application/x-ndjson',
  body: `\n${lines.map((line) => `${JSON.stringify(line)}\n`).join('')}`,
})
const accepted = (name: string) => ({ name, outcome: 'accepted', action_id: 7 })
const busy = { code: 'busy', message: 'Deployment a-2 is currently being processed.' }

describe('many deployments', { concurrency: true }, () => {
  test('archive sends all names in one request, prints each outcome, and exits with 5 when one is refused', async (t) => {
    let answer = ndjson({ name: 'a-2', outcome: 'refused', error: busy }, accepted('a-1'))
    const fake = await fakeServer(t, { 'POST /api/v1/bulk': () => answer })
    const archive = (...args: string[]) => runOcto({ OCTOPOD_URL: fake.url }, 'archive', ...args)
    const { code, stdout } = await archive('a-1', 'a-2', 'a-1')
    assert.equal(code, 5)
    assert.match(
      stdout,
      /^NAME +OUTCOME +ID +REASON\na-1 +accepted +7 +-\na-2 +refused +- +Deployment a-2 is/,
    )
    assert.deepEqual(fake.requests[0]?.body, { operation: 'archive', names: ['a-1', 'a-2'] })
    assert.ok(fake.requests[0]?.headers['idempotency-key'])
    answer = ndjson(accepted('a-1'))
    const dry = await archive('a-1', '--dry-run', '-o', 'jsonl')
    assert.deepEqual([dry.code, JSON.parse(dry.stdout)], [0, accepted('a-1')])
    assert.deepEqual(fake.requests.at(-1)?.body, { operation: 'archive', names: ['a-1'], dry_run: true })
    const message = 'Deployment a-1 is CreatePending: archive needs it to be Running.'
    answer = ndjson({ name: 'a-1', outcome: 'refused', error: { code: 'invalid_transition', message } })
    const refused = await archive('a-1', '--dry-run')
    assert.match(refused.stdout, /\na-1 +refused +- +The page calls that status "Creating"\. a-1 waits/)
    assert.match((await archive('a-1', '--dry-run', '-o', 'json')).stdout, /is CreatePending: archive needs/)
    answer = ndjson(accepted('a-1'), accepted('a-2'))
    await archive('a-1', 'a-2', '--when-busy', 'wait')
    assert.deepEqual(fake.requests.at(-1)?.body, {
      operation: 'archive',
      names: ['a-1', 'a-2'],
      when_busy: 'wait',
    })
    assert.match((await archive('a-1', 'a-2', '--wait')).stderr, /--wait and --follow go with one deployment/)
  })

  test('A selector chooses the deployments; without a match nothing is sent', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments': {
        body: [fullInfo('a-1', { labels: { team: 'shop' } }), fullInfo('b-1', { labels: {} })],
      },
      'POST /api/v1/bulk': ndjson(accepted('a-1')),
    })
    const run = (...args: string[]) => runOcto({ OCTOPOD_URL: fake.url }, ...args)
    const set = await run('set', '-l', 'team=shop', '-e', 'image.tag=v2')
    assert.equal(set.code, 0, set.stderr)
    const override = { level: 'application', key: 'image.tag', value: 'v2' }
    assert.deepEqual(fake.requests.at(-1)?.body, { operation: 'set', names: ['a-1'], override })
    await run('set', '-l', 'team=shop', '-E', 'debug', '--when-busy', 'replace')
    assert.deepEqual(fake.requests.at(-1)?.body, {
      operation: 'unset',
      names: ['a-1'],
      override: { level: 'application', key: 'debug' },
      when_busy: 'replace',
    })
    await run('label', '-l', 'team', 'env=qa', 'old-')
    const labels = { set: { env: 'qa' }, remove: ['old'] }
    assert.deepEqual(fake.requests.at(-1)?.body, { operation: 'label', names: ['a-1'], labels })
    const count = fake.requests.length
    const none = await run('cancel', '-l', 'team=nobody')
    assert.equal(none.code, 0)
    assert.match(none.stderr, /no deployment matches; nothing was changed/)
    assert.equal(fake.requests.length, count + 1)
    for (const [args, expected] of [
      [['set', '-l', 'team', '-e', 'a=1', '-E', 'b'], /set needs exactly one of/],
      [['retry', 'a-1', '-l', 'team'], /NAME and -l SELECTOR do not go together/],
      [['set', '-e', 'a=1'], /NAME or -l SELECTOR is needed/],
      [['set', 'a-1', '-e', 'a=1', '--when-busy', 'later'], /--when-busy takes fail, wait, replace/],
    ] as const) {
      const { code, stderr } = await run(...args)
      assert.equal(code, 2)
      assert.match(stderr, expected)
    }
  })

  test('An answer that ends too early is continued with the missing names and the same key', async (t) => {
    const fake = await fakeServer(t, {
      'POST /api/v1/bulk': ({ body }: RecordedRequest) => {
        const { names } = body as { names: string[] }
        return ndjson(accepted(names[0] ?? ''))
      },
    })
    const { code, stdout } = await runOcto({ OCTOPOD_URL: fake.url }, 'restore', 'a-1', 'a-2', '-o', 'name')
    assert.deepEqual([code, stdout], [0, 'a-1\na-2\n'])
    const sent = fake.requests.map(({ body, headers }) => [
      (body as { names: string[] }).names,
      headers['idempotency-key'],
    ])
    assert.deepEqual(sent, [
      [['a-1', 'a-2'], sent[0]?.[1]],
      [['a-2'], sent[0]?.[1]],
    ])
  })
})
