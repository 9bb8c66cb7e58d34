/**
 * With a PID namespace of its own, a script ends together with everything it has started, and otherwise behaves as
 * without.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { detectPidNamespace } from '../../../runner/process/pid-namespace.ts'
import { runProcess } from '../../../runner/process/process.ts'
import { findProcessesByArguments } from '../../helpers/find-processes.ts'
import {
  fixtureRequest,
  killLeftover,
  minimalEnvironment,
  receivedArguments,
  runFixture,
  waitFor,
} from '../script-fixtures.ts'

/** On a machine that cannot create PID namespaces, only the error messages are tested. */
const commandPrefix = await detectPidNamespace(minimalEnvironment).catch((error: Error) => error)
const skip = commandPrefix instanceof Error && commandPrefix.message

const inNamespace = { commandPrefix: commandPrefix instanceof Error ? [] : commandPrefix }
const request: typeof fixtureRequest = (name, args, more) =>
  fixtureRequest(name, args, { ...inNamespace, ...more })
const runInNamespace: typeof runFixture = (name, args, more) =>
  runFixture(name, args, { ...inNamespace, ...more })

/** Counts the children of `hides-child` that were started with this argument. */
const countAlive = (childId: string) => findProcessesByArguments(`\0hidden\0${childId}\0`).length

suite('A script with a PID namespace of its own', { concurrency: true, skip }, () => {
  test('ends together with a child that has cleared its environment and left the group', async () => {
    const [without, within] = [randomUUID(), randomUUID()]
    assert.equal(
      (await runInNamespace('children/hides-child', [without], { commandPrefix: [] })).result.exitCode,
      0,
    )
    assert.equal(countAlive(without), 1, 'the child stays without a namespace')
    findProcessesByArguments(`\0hidden\0${without}\0`).forEach(killLeftover)
    assert.equal((await runInNamespace('children/hides-child', [within])).result.exitCode, 0)
    assert.equal(countAlive(within), 0)
  })

  test('ends together with such a child when it is cancelled', async () => {
    const childId = randomUUID()
    const cancel = new AbortController()
    let text = ''
    const onOutput = (_: string, bytes: Uint8Array) => {
      text += Buffer.from(bytes)
    }
    const run = runProcess(
      request('children/hides-child', [childId, '30'], { signal: cancel.signal, onOutput }),
    )
    await waitFor(() => text.includes('started'))
    assert.equal(countAlive(childId), 1)
    cancel.abort('cancelled')
    assert.equal((await run).cancelled, true)
    assert.equal(countAlive(childId), 0)
  })

  test('ends together with a fast chain of processes, each in a session of its own', async (t) => {
    const links = join(tempFolder(t), 'links')
    const length = () => statSync(links, { throwIfNoEntry: false })?.size ?? 0
    const cancel = new AbortController()
    const run = runProcess(request('children/chains-sessions', [links], { signal: cancel.signal }))
    await waitFor(() => length() > 100)
    cancel.abort('cancelled')
    assert.equal((await run).cancelled, true)
    const then = length()
    await sleep(300)
    assert.equal(length(), then)
  })

  test('receives TERM, keeps its own exit code, and receives KILL when it ignores TERM', async () => {
    const cancelled = (name: string) =>
      runInNamespace(name, [], { signal: AbortSignal.timeout(700), killGraceMs: 500 }).then(
        ({ result }) => result,
      )
    const [obedient, ignoring] = await Promise.all([
      cancelled('exit/exits-zero-after-term'),
      cancelled('exit/ignores-term'),
    ])
    assert.deepEqual([obedient.exitCode, obedient.interrupted], [0, true])
    assert.deepEqual([ignoring.signal, ignoring.interrupted], ['SIGKILL', true])
  })

  test('returns its exit code and both streams; a signal from another process becomes an exit code as in a shell', async () => {
    const { result, stdout } = await runInNamespace('exit/exits', ['3', 'three', 'words'])
    assert.deepEqual([result.exitCode, result.signal, stdout], [3, null, 'three words\n'])
    const both = await runInNamespace('output/prints-both', ['2'])
    assert.deepEqual([both.stdout, both.stderr], ['out 1\nout 2\n', 'err 1\nerr 2\n'])
    const onePipe = await runInNamespace('output/prints-both', ['2'], { onePipe: true })
    assert.deepEqual([onePipe.stdout, onePipe.stderr], ['out 1\nerr 1\nout 2\nerr 2\n', ''])
    const killed = await runInNamespace('exit/kills-itself')
    assert.deepEqual([killed.result.exitCode, killed.stdout, killed.stderr], [137, '', ''])
  })

  test('receives its arguments unchanged', async () => {
    const args = ['--a', 'x y', '$(id)', '`id`', "it's", '', '*', 'a\nb', '-n', '--', 'ä€😀', 'k=v;ls']
    assert.deepEqual(await receivedArguments(args, inNamespace), args)
  })

  test('that cannot be started returns the same message as without a namespace', async () => {
    for (const name of [
      'absent',
      'exit/not-executable',
      '.',
      'exit/exits/absent',
      'exit/interpreter-missing',
    ]) {
      const { error } = await runProcess(request(name))
      assert.match(error ?? '', /could not be started: /, name)
      assert.equal(error, (await runProcess(request(name, [], { commandPrefix: [] }))).error)
    }
  })

  test('that gets no namespace has not run and has no exit code', async () => {
    const none = 'echo 0 > /proc/sys/user/max_pid_namespaces && exec "$@"'
    const commandPrefix = [
      'unshare',
      '--user',
      '--map-root-user',
      '/bin/sh',
      '-c',
      none,
      'sh',
      ...inNamespace.commandPrefix,
    ]
    const { result, stderr } = await runInNamespace('exit/exits', ['0'], { commandPrefix })
    assert.equal(result.exitCode, null)
    assert.match(result.error ?? '', /exits could not be started: this machine gave it no PID namespace/)
    assert.match(stderr, /unshare/)
  })

  test('ends at once when it is cancelled at any moment of its start', async () => {
    for (let afterMs = 0; afterMs < 10; afterMs += 0.5) {
      const cancel = new AbortController()
      const run = runProcess(request('exit/sleeps', ['5'], { signal: cancel.signal, killGraceMs: 60_000 }))
      // Timers are not precise enough.
      const until = performance.now() + afterMs
      while (performance.now() < until) await new Promise(setImmediate)
      cancel.abort('cancelled')
      const { cancelled, signal, exitCode } = await run
      // TERM ended the script or the shell before it: it neither completed nor waited for KILL.
      assert.equal(cancelled, true)
      assert.ok(exitCode !== 0 && signal !== 'SIGKILL', `after ${afterMs} ms: ${exitCode} ${signal}`)
    }
  })
})

test('A machine without PID namespaces causes an error with the message of unshare', async (t) => {
  const environment = {
    PATH: `${createUnshare(t, 'echo "unshare failed: Operation not permitted" >&2; exit 1')}:/bin`,
  }
  await assert.rejects(detectPidNamespace(environment), {
    name: 'SettingsError',
    message: /^PID_NAMESPACE is own, but .*: unshare failed: Operation not permitted$/,
  })
  await assert.rejects(
    detectPidNamespace({ PATH: '/nowhere' }),
    /: there is no unshare \(util-linux\) in PATH$/,
  )
})

test('An unshare that blocks TERM, as before util-linux 2.38, causes an error', {
  skip,
}, async (t) => {
  const ignoring = createUnshare(
    t,
    'PATH=/usr/bin:/bin exec env --ignore-signal=TERM --ignore-signal=INT unshare "$@"',
  )
  await assert.rejects(
    detectPidNamespace({ PATH: `${ignoring}:/usr/bin:/bin` }),
    /does not pass TERM to scripts \(util-linux 2\.38 does\)$/,
  )
})

function createUnshare(t: TestContext, body: string): string {
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'unshare'), `#!/bin/sh\n${body}\n`, { mode: 0o755 })
  return folder
}

function tempFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'octopod-namespace-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}
