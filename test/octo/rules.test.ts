/** The rules inside octo that need no server: verdicts, times, identities, files of overrides, forms of output. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionSummary, fullInfo as fullInfoShape } from '../../domain/shapes.ts'
import { durationMs, shownDuration } from '../../octo/duration.ts'
import { Failure } from '../../octo/failure.ts'
import { readIdentity } from '../../octo/identity.ts'
import { shown, table } from '../../octo/output.ts'
import { readOverridesFile } from '../../octo/overrides-file.ts'
import { openProgress } from '../../octo/progress.ts'
import { backoffMs } from '../../octo/retry.ts'
import { type Aim, newestAttempt, verdict } from '../../octo/verdict.ts'
import { fullInfo, summary } from './wire.ts'

const sight = (status: string, state: string | null, kind = 'UpdateAction', mine = true) => {
  const last = state === null ? null : actionSummary.parse({ ...summary, state, action: kind })
  const failure = ['GenericFailure', 'TagMismatch'].includes(status)
  const recorded_status = failure ? { tag: 'Failure', contents: status } : { tag: status }
  const more = { status: { tag: 'DeploymentNotPending', recorded_status }, last_action: last }
  return { name: 'x1', info: fullInfoShape.parse(fullInfo('x1', more)), action: mine ? last : null }
}

for (const [aim, seen, expected] of [
  ['Running', sight('UpdatePending', 'running'), null],
  ['Running', sight('UpdatePending', 'succeeded'), null],
  ['Running', sight('Running', 'succeeded'), 'arrived'],
  ['Running', sight('Running', 'failed', 'UpdateAction', false), 'arrived'],
  ['Running', sight('GenericFailure', 'failed'), 'failed'],
  ['Running', sight('GenericFailure', 'timed_out'), 'failed'],
  ['Running', sight('GenericFailure', 'interrupted', 'CreateAction', false), 'failed'],
  ['Running', sight('GenericFailure', 'cancelled'), 'cancelled'],
  ['Running', sight('TagMismatch', 'succeeded'), 'failed'],
  ['Running', sight('ArchivePending', 'running', 'ArchiveAction', false), 'failed'],
  ['Running', sight('UpdatePending', 'queued', 'RestoreAction', false), null],
  ['Running', sight('Archived', null), 'failed'],
  ['Running', { name: 'x1', info: null, action: null }, 'failed'],
  ['Archived', sight('ArchivePending', 'succeeded', 'ArchiveAction'), null],
  ['Archived', sight('ArchivePending', 'failed', 'ArchiveAction', false), 'failed'],
  ['Archived', sight('Archived', 'succeeded', 'ArchiveAction'), 'arrived'],
  ['Archived', sight('UpdatePending', 'succeeded', 'UpdateAction', false), 'failed'],
  ['Archived', { name: 'x1', info: null, action: null }, 'arrived'],
  ['gone', sight('Archived', 'running', 'CleanupAction'), null],
  ['gone', sight('CleanupFailed', 'failed', 'CleanupAction', false), 'failed'],
  ['gone', { name: 'x1', info: null, action: null }, 'arrived'],
] as const) {
  const state =
    seen.action?.state ?? (seen.info?.last_action ? `another ${seen.info.last_action.state}` : 'no action')
  const status = seen.info?.status.recorded_status
  test(`on the way to ${aim}, ${JSON.stringify(status ?? 'gone')} with ${state} is ${expected}`, () => {
    const is = verdict(aim satisfies Aim, seen)
    assert.equal(is instanceof Failure ? is.kind : is, expected)
  })
}

test('only a later attempt of the same kind goes on where an interrupted action ended', () => {
  const newest = (state: string, last: Record<string, unknown>) => {
    const action = actionSummary.parse({ ...summary, state })
    const last_action = { ...summary, action_id: 8, attempt: 2, ...last }
    return newestAttempt({ name: 'x1', info: fullInfoShape.parse(fullInfo('x1', { last_action })), action })
  }
  assert.equal(newest('interrupted', {})?.action_id, 8)
  assert.equal(newest('interrupted', { action_id: 9, attempt: 3 })?.action_id, 9)
  assert.equal(newest('running', {}), null)
  assert.equal(newest('failed', {}), null)
  assert.equal(newest('interrupted', { attempt: 1 }), null)
  assert.equal(newest('interrupted', { action: 'ArchiveAction' }), null)
  assert.equal(newest('interrupted', { action_id: 6 }), null)
})

test('times are read and shown as people write them', () => {
  for (const [text, ms] of [
    ['90', 90_000],
    ['90s', 90_000],
    ['15m', 900_000],
    ['1h30m', 5_400_000],
    ['0.5s', 500],
  ] as const)
    assert.equal(durationMs('--timeout', text), ms)
  for (const text of ['', '0', 'm', '1d', '-1', '25h', '5 minutes'])
    assert.throws(() => durationMs('--timeout', text), { kind: 'usage' })
  assert.deepEqual([59_900, 61_000, 3_660_000].map(shownDuration), ['59 s', '1 min 1 s', '1 h 1 min'])
})

test('pauses grow to their limit and are never in step', () => {
  assert.deepEqual(
    [0, 1, 9].map((attempt) => backoffMs(attempt, 100, 1000, 1)),
    [100, 200, 1000],
  )
  assert.equal(backoffMs(0, 100, 1000, 0), 50)
})

test('CI systems tell who and where', () => {
  for (const [environment, run] of [
    [{ GITLAB_CI: 'true', CI: 'true', CI_JOB_URL: 'https://gitlab/j/1' }, 'GitLab CI: https://gitlab/j/1'],
    [{ BUILDKITE: 'true', BUILDKITE_BUILD_URL: 'https://bk/1' }, 'Buildkite: https://bk/1'],
    [{ CIRCLECI: 'true', CIRCLE_BUILD_URL: 'https://cc/1' }, 'CircleCI: https://cc/1'],
    [{ JENKINS_URL: 'https://j/', BUILD_URL: 'https://j/1' }, 'Jenkins: https://j/1'],
    [
      {
        TF_BUILD: 'True',
        SYSTEM_TEAMFOUNDATIONCOLLECTIONURI: 'https://dev.azure.com/o/',
        SYSTEM_TEAMPROJECT: 'p',
        BUILD_BUILDID: '3',
      },
      'Azure Pipelines: https://dev.azure.com/o/p/_build/results?buildId=3',
    ],
    [{ GITHUB_ACTIONS: 'true' }, 'GitHub Actions'],
    [{ CI: '1' }, 'CI'],
  ] as const)
    assert.deepEqual(readIdentity(environment), { actor: null, source: 'ci', run })
  assert.deepEqual(readIdentity({ CI: 'false', USER: 'ann' }), { actor: 'ann', source: 'octo', run: null })
})

test('a file of overrides: nested keys, numbers as written, null, anchors, JSON', () => {
  const text = `
app:
  image: &image { tag: 010, pull: 'null' }
  copy: *image
  big: 12345678901234567890
  on: yes
  off: false
  none:
  text: |
    two
    lines
deployment: {}
`
  const { app, deployment } = readOverridesFile('x.yaml', text)
  assert.deepEqual(
    app.map(([key, value]) => [key, value.tag === 'ValueAdded' ? value.contents : null]),
    [
      ['image.tag', '010'],
      ['image.pull', 'null'],
      ['copy.tag', '010'],
      ['copy.pull', 'null'],
      ['big', '12345678901234567890'],
      ['on', 'yes'],
      ['off', 'false'],
      ['none', null],
      ['text', 'two\nlines\n'],
    ],
  )
  assert.deepEqual(deployment, [])
  assert.equal(readOverridesFile('x.json', '{"app":{"a":"1"}}').app.length, 1)
  assert.deepEqual(readOverridesFile('x', ''), { app: [], deployment: [] })
})

for (const [text, said] of [
  ['app:\n  - a', 'x:2: a map of keys is needed.'],
  ['app:\n  a: [1]', 'x:2: a is a list: a value is text.'],
  ['apps:\n  a: 1', 'x:1: "apps" is neither app nor deployment.'],
  ['app: {a: 1', 'x:1: this is not YAML or JSON.'],
  ['just text', 'x:1: a map of app and deployment is needed.'],
  ['app:\n  a b: 1', 'x:2: Config key "a b" contains white space or a control character.'],
] as const) {
  test(`a file of overrides that holds ${JSON.stringify(text)}`, () => {
    assert.throws(() => readOverridesFile('x', text), { kind: 'usage', message: said })
  })
}

test('records in every form', async () => {
  const look = { name: (one: { a: string }) => one.a, columns: { A: (one: { a: string }) => one.a } }
  assert.equal(await shown('json', { one: { a: '1' } }, look), '{\n  "a": "1"\n}\n')
  assert.equal(await shown('jsonl', [{ a: '1' }, { a: '2' }], look), '{"a":"1"}\n{"a":"2"}\n')
  assert.equal(await shown('yaml', [{ a: '1' }], look), '- a: "1"\n')
  assert.equal(await shown('name', [{ a: '1' }], look), '1\n')
  assert.equal(table(look, [{ a: 'x\ny' }, { a: '' }]), 'A\nx\\ny\n-\n')
})

function screenOf(isTTY: boolean) {
  const written: string[] = []
  return { written, screen: { isTTY, columns: 60, write: (text: string) => written.push(text) } }
}

test('progress: a line a change in a pipe, one line drawn anew on a terminal, nothing when quiet', () => {
  const piped = screenOf(false)
  const plain = openProgress(piped.screen, {}, false)
  for (const words of ['a', 'a', 'b']) plain.stands(words)
  plain.pass('output without an end')
  plain.stands('c')
  plain.end()
  assert.equal(piped.written.join(''), 'a\nb\noutput without an end\nc\n')

  const terminal = screenOf(true)
  const drawn = openProgress(terminal.screen, {}, false)
  drawn.stands('a')
  drawn.stands('b'.repeat(100))
  drawn.end()
  const text = terminal.written.join('')
  assert.ok(text.includes('\u001b[2m'))
  assert.ok(text.indexOf('\n') === text.length - 1 && text.endsWith('\u001b[2m0 s\u001b[0m\n'))
  const colourless = screenOf(true)
  const bare = openProgress(colourless.screen, { NO_COLOR: '1' }, false)
  bare.stands('a')
  bare.end()
  assert.ok(!colourless.written.join('').includes('\u001b[2m'))

  const quiet = screenOf(true)
  const none = openProgress(quiet.screen, {}, true)
  none.stands('a')
  none.note('b')
  none.pass('output\n')
  none.end()
  assert.equal(quiet.written.join(''), 'output\n')
})
