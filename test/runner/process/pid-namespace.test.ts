/** With a PID namespace of its own nothing that a script started outlives it, and the script notices nothing else. */
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
  runFixture as askShelf,
  fixtureRequest,
  killLeftover,
  minimalEnvironment,
  receivedArguments,
  waitFor,
} from '../script-fixtures.ts'

/** Where this very machine has none to give, there is nothing to test but that it says so. */
const commandPrefix = await detectPidNamespace(minimalEnvironment).catch((error: Error) => error)
const skip = commandPrefix instanceof Error && commandPrefix.message

const inNamespace = { commandPrefix: commandPrefix instanceof Error ? [] : commandPrefix }
const request: typeof fixtureRequest = (name, args, more) =>
  fixtureRequest(name, args, { ...inNamespace, ...more })
const runInNamespace: typeof askShelf = (name, args, more) =>
  askShelf(name, args, { ...inNamespace, ...more })

/** How many children of `vanishes` carry a word that only it was given. */
const countAlive = (word: string) => findProcessesByArguments(`\0vanished\0${word}\0`).length

suite('a script with a namespace of its own', { concurrency: true, skip }, () => {
  test('takes along what has cleared its environment and left its group, when it ends', async () => {
    const [without, within] = [randomUUID(), randomUUID()]
    assert.equal((await runInNamespace('vanishes', [without], { commandPrefix: [] })).result.exitCode, 0)
    assert.equal(countAlive(without), 1, 'without one it stays')
    findProcessesByArguments(`\0vanished\0${without}\0`).forEach(killLeftover)
    assert.equal((await runInNamespace('vanishes', [within])).result.exitCode, 0)
    assert.equal(countAlive(within), 0)
  })

  test('takes it along when it is cancelled', async () => {
    const word = randomUUID()
    const cancel = new AbortController()
    let text = ''
    const onOutput = (_: string, bytes: Uint8Array) => {
      text += Buffer.from(bytes)
    }
    const run = runProcess(request('vanishes', [word, '30'], { signal: cancel.signal, onOutput }))
    await waitFor(() => text.includes('started'))
    assert.equal(countAlive(word), 1)
    cancel.abort('cancelled')
    assert.equal((await run).cancelled, true)
    assert.equal(countAlive(word), 0)
  })

  test('cannot outrun every look: a chain of processes, each in a session of its own, ends too', async (t) => {
    const links = join(tempFolder(t), 'links')
    const length = () => statSync(links, { throwIfNoEntry: false })?.size ?? 0
    const cancel = new AbortController()
    const run = runProcess(request('runs-away', [links], { signal: cancel.signal }))
    await waitFor(() => length() > 100)
    cancel.abort('cancelled')
    assert.equal((await run).cancelled, true)
    const then = length()
    await sleep(300)
    assert.equal(length(), then)
  })

  test('still hears TERM, ends with its own exit code, and is killed when it does not listen', async () => {
    const cancelled = (name: string) =>
      runInNamespace(name, [], { signal: AbortSignal.timeout(700), killGraceMs: 500 }).then(
        ({ result }) => result,
      )
    const [obedient, ignoring] = await Promise.all([
      cancelled('exits-zero-after-term'),
      cancelled('ignores-term'),
    ])
    assert.deepEqual([obedient.exitCode, obedient.interrupted], [0, true])
    assert.deepEqual([ignoring.signal, ignoring.interrupted], ['SIGKILL', true])
  })

  test('gives its exit code and its streams apart; a signal of somebody else counts as a shell counts it', async () => {
    const { result, stdout } = await runInNamespace('exits', ['3', 'three', 'words'])
    assert.deepEqual([result.exitCode, result.signal, stdout], [3, null, 'three words\n'])
    const both = await runInNamespace('prints-both', ['2'])
    assert.deepEqual([both.stdout, both.stderr], ['out 1\nout 2\n', 'err 1\nerr 2\n'])
    const killed = await runInNamespace('kills-itself')
    assert.deepEqual([killed.result.exitCode, killed.stdout, killed.stderr], [137, '', ''])
  })

  test('gets its arguments exactly', async () => {
    const args = ['--a', 'x y', '$(id)', '`id`', "it's", '', '*', 'a\nb', '-n', '--', 'ä€😀', 'k=v;ls']
    assert.deepEqual(await receivedArguments(args, inNamespace), args)
  })

  test('that cannot be started says so in the same words', async () => {
    for (const name of ['absent', 'not-executable', '.', 'exits/absent', 'interpreter-missing']) {
      const { error } = await runProcess(request(name))
      assert.match(error ?? '', /could not be started: /, name)
      assert.equal(error, (await runProcess(request(name, [], { commandPrefix: [] }))).error)
    }
  })

  test('that gets none did not run: its end is no word of a script', async () => {
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
    const { result, stderr } = await runInNamespace('exits', ['0'], { commandPrefix })
    assert.equal(result.exitCode, null)
    assert.match(result.error ?? '', /exits could not be started: this machine gave it no PID namespace/)
    assert.match(stderr, /unshare/)
  })

  test('is ended at once also in the moments in which it is being started', async () => {
    for (let afterMs = 0; afterMs < 10; afterMs += 0.5) {
      const cancel = new AbortController()
      const run = runProcess(request('sleeps', ['5'], { signal: cancel.signal, killGraceMs: 60_000 }))
      // Finer than timers are.
      const until = performance.now() + afterMs
      while (performance.now() < until) await new Promise(setImmediate)
      cancel.abort('cancelled')
      const { cancelled, signal, exitCode } = await run
      // It, or the shell before it, by TERM: it neither came to its end nor waited for KILL.
      assert.equal(cancelled, true)
      assert.ok(exitCode !== 0 && signal !== 'SIGKILL', `after ${afterMs} ms: ${exitCode} ${signal}`)
    }
  })
})

test('a machine that gives no namespace is told from one that does, with its own words', async (t) => {
  const environment = {
    PATH: `${createUnshare(t, 'echo "unshare failed: Operation not permitted" >&2; exit 1')}:/bin`,
  }
  await assert.rejects(detectPidNamespace(environment), {
    name: 'SettingsError',
    message: /^PID_NAMESPACE is own, but .*: unshare failed: Operation not permitted$/,
  })
  await assert.rejects(
    detectPidNamespace({ PATH: '/nowhere' }),
    /: there is no unshare \(util-linux\) in its PATH$/,
  )
})

test('an unshare that keeps TERM from scripts, as before util-linux 2.38, is refused', {
  skip,
}, async (t) => {
  const ignoring = createUnshare(
    t,
    'PATH=/usr/bin:/bin exec env --ignore-signal=TERM --ignore-signal=INT unshare "$@"',
  )
  await assert.rejects(
    detectPidNamespace({ PATH: `${ignoring}:/usr/bin:/bin` }),
    /keeps TERM from scripts \(util-linux 2\.38 does not\)$/,
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
