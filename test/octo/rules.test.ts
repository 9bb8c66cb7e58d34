/** The rules inside octo that need no server: verdicts, times, identities, files of overrides, forms of output. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionSummary, fullInfo as fullInfoShape } from '../../domain/schemas.ts'
import { evaluateWait, findNewerAttempt, type TargetState } from '../../octo/actions/wait-outcome.ts'
import { readRequester } from '../../octo/api/ci-environment.ts'
import { parseDurationMs } from '../../octo/cli/duration.ts'
import { CliError } from '../../octo/errors/cli-error.ts'
import { formatRecords, formatTable } from '../../octo/output/formatter.ts'
import { createProgress, formatDuration } from '../../octo/output/progress.ts'
import { parseOverridesFile } from '../../octo/overrides/overrides-file.ts'
import { fullInfo, summary } from './wire-fixtures.ts'

const snapshot = (status: string, state: string | null, actionType = 'UpdateAction', isOwnAction = true) => {
  const last = state === null ? null : actionSummary.parse({ ...summary, state, action: actionType })
  const failure = ['GenericFailure', 'TagMismatch'].includes(status)
  const recorded_status = failure ? { tag: 'Failure', contents: status } : { tag: status }
  const more = { status: { tag: 'DeploymentNotPending', recorded_status }, last_action: last }
  return { name: 'x1', info: fullInfoShape.parse(fullInfo('x1', more)), action: isOwnAction ? last : null }
}

for (const [target, current, expected] of [
  ['Running', snapshot('UpdatePending', 'running'), null],
  ['Running', snapshot('UpdatePending', 'succeeded'), null],
  ['Running', snapshot('Running', 'succeeded'), 'arrived'],
  ['Running', snapshot('Running', 'failed', 'UpdateAction', false), 'arrived'],
  ['Running', snapshot('GenericFailure', 'failed'), 'failed'],
  ['Running', snapshot('GenericFailure', 'timed_out'), 'failed'],
  ['Running', snapshot('GenericFailure', 'interrupted', 'CreateAction', false), 'failed'],
  ['Running', snapshot('GenericFailure', 'cancelled'), 'cancelled'],
  ['Running', snapshot('TagMismatch', 'succeeded'), 'failed'],
  ['Running', snapshot('ArchivePending', 'running', 'ArchiveAction', false), 'failed'],
  ['Running', snapshot('UpdatePending', 'queued', 'RestoreAction', false), null],
  ['Running', snapshot('Archived', null), 'failed'],
  ['Running', { name: 'x1', info: null, action: null }, 'failed'],
  ['Archived', snapshot('ArchivePending', 'succeeded', 'ArchiveAction'), null],
  ['Archived', snapshot('ArchivePending', 'failed', 'ArchiveAction', false), 'failed'],
  ['Archived', snapshot('Archived', 'succeeded', 'ArchiveAction'), 'arrived'],
  ['Archived', snapshot('UpdatePending', 'succeeded', 'UpdateAction', false), 'failed'],
  ['Archived', { name: 'x1', info: null, action: null }, 'arrived'],
  ['gone', snapshot('Archived', 'running', 'CleanupAction'), null],
  ['gone', snapshot('CleanupFailed', 'failed', 'CleanupAction', false), 'failed'],
  ['gone', { name: 'x1', info: null, action: null }, 'arrived'],
] as const) {
  const state =
    current.action?.state ??
    (current.info?.last_action ? `another ${current.info.last_action.state}` : 'no action')
  const status = current.info?.status.recorded_status
  test(`on the way to ${target}, ${JSON.stringify(status ?? 'gone')} with ${state} is ${expected}`, () => {
    const outcome = evaluateWait(target satisfies TargetState, current)
    assert.equal(outcome instanceof CliError ? outcome.kind : outcome, expected)
  })
}

test('only a later attempt of the same kind goes on where an interrupted action ended', () => {
  const findNewer = (state: string, last: Record<string, unknown>) => {
    const action = actionSummary.parse({ ...summary, state })
    const last_action = { ...summary, action_id: 8, attempt: 2, ...last }
    return findNewerAttempt({
      name: 'x1',
      info: fullInfoShape.parse(fullInfo('x1', { last_action })),
      action,
    })
  }
  assert.equal(findNewer('interrupted', {})?.action_id, 8)
  assert.equal(findNewer('interrupted', { action_id: 9, attempt: 3 })?.action_id, 9)
  assert.equal(findNewer('running', {}), null)
  assert.equal(findNewer('failed', {}), null)
  assert.equal(findNewer('interrupted', { attempt: 1 }), null)
  assert.equal(findNewer('interrupted', { action: 'ArchiveAction' }), null)
  assert.equal(findNewer('interrupted', { action_id: 6 }), null)
})

test('times are read and shown as people write them', () => {
  for (const [text, ms] of [
    ['90', 90_000],
    ['90s', 90_000],
    ['15m', 900_000],
    ['1h30m', 5_400_000],
    ['0.5s', 500],
  ] as const)
    assert.equal(parseDurationMs('--timeout', text), ms)
  for (const text of ['', '0', 'm', '1d', '-1', '25h', '5 minutes'])
    assert.throws(() => parseDurationMs('--timeout', text), { kind: 'usage' })
  assert.deepEqual([59_900, 61_000, 3_660_000].map(formatDuration), ['59 s', '1 min 1 s', '1 h 1 min'])
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
    assert.deepEqual(readRequester(environment), { actor: null, source: 'ci', run })
  assert.deepEqual(readRequester({ CI: 'false', USER: 'ann' }), { actor: 'ann', source: 'octo', run: null })
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
  const { application, deployment } = parseOverridesFile('x.yaml', text)
  assert.deepEqual(
    application.map(([key, value]) => [key, value.tag === 'ValueAdded' ? value.contents : null]),
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
  assert.equal(parseOverridesFile('x.json', '{"app":{"a":"1"}}').application.length, 1)
  assert.deepEqual(parseOverridesFile('x', ''), { application: [], deployment: [] })
})

for (const [text, expectedMessage] of [
  ['app:\n  - a', 'x:2: a map of keys is needed.'],
  ['app:\n  a: [1]', 'x:2: a is a list: a value is text.'],
  ['apps:\n  a: 1', 'x:1: "apps" is neither app nor deployment.'],
  ['app: {a: 1', 'x:1: this is not YAML or JSON.'],
  ['just text', 'x:1: a map of app and deployment is needed.'],
  ['app:\n  a b: 1', 'x:2: Config key "a b" contains white space or a control character.'],
] as const) {
  test(`a file of overrides that holds ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseOverridesFile('x', text), { kind: 'usage', message: expectedMessage })
  })
}

test('records in every form', async () => {
  const view = { name: (one: { a: string }) => one.a, columns: { A: (one: { a: string }) => one.a } }
  assert.equal(await formatRecords('json', { one: { a: '1' } }, view), '{\n  "a": "1"\n}\n')
  assert.equal(await formatRecords('jsonl', [{ a: '1' }, { a: '2' }], view), '{"a":"1"}\n{"a":"2"}\n')
  assert.equal(await formatRecords('yaml', [{ a: '1' }], view), '- a: "1"\n')
  assert.equal(await formatRecords('name', [{ a: '1' }], view), '1\n')
  assert.equal(formatTable(view, [{ a: 'x\ny' }, { a: '' }]), 'A\nx\\ny\n-\n')
})

function fakeTerminal(isTTY: boolean) {
  const written: string[] = []
  return { written, screen: { isTTY, columns: 60, write: (text: string) => written.push(text) } }
}

test('progress: a line a change in a pipe, one line drawn anew on a terminal, nothing when quiet', () => {
  const piped = fakeTerminal(false)
  const plain = createProgress(piped.screen, {}, false)
  for (const words of ['a', 'a', 'b']) plain.status(words)
  plain.output('output without an end')
  plain.status('c')
  plain.end()
  assert.equal(piped.written.join(''), 'a\nb\noutput without an end\nc\n')

  const terminal = fakeTerminal(true)
  const drawn = createProgress(terminal.screen, {}, false)
  drawn.status('a')
  drawn.status('b'.repeat(100))
  drawn.end()
  const text = terminal.written.join('')
  assert.ok(text.includes('\u001b[2m'))
  assert.ok(text.indexOf('\n') === text.length - 1 && text.endsWith('\u001b[2m0 s\u001b[0m\n'))
  const colourless = fakeTerminal(true)
  const bare = createProgress(colourless.screen, { NO_COLOR: '1' }, false)
  bare.status('a')
  bare.end()
  assert.ok(!colourless.written.join('').includes('\u001b[2m'))

  const quiet = fakeTerminal(true)
  const none = createProgress(quiet.screen, {}, true)
  none.status('a')
  none.note('b')
  none.output('output\n')
  none.end()
  assert.equal(quiet.written.join(''), 'output\n')
})
