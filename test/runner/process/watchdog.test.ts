/** The watchdog ends the scripts of a killed runner, but not the processes that ended scripts have left running. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, uptime } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { runProcess } from '../../../runner/process/process.ts'
import { createWatchdog } from '../../../runner/process/watchdog.ts'
import { findChildProcesses } from '../../helpers/find-processes.ts'
import { fixturePath, isProcessAlive, killLeftover, minimalEnvironment, waitFor } from '../script-fixtures.ts'

const runnerProgram = fileURLToPath(new URL('run-with-watchdog.ts', import.meta.url))

/** Starts a process that runs these scripts one after another. Resolves with the pids in its first `count` lines. */
async function startRunner(t: TestContext, count: number, ...scripts: string[][]) {
  const child = spawn(process.execPath, [runnerProgram, JSON.stringify(scripts)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  let text = ''
  child.stdout.on('data', (bytes) => {
    text += bytes
  })
  await waitFor(() => text.split('\n').length > count)
  const pids = text.trimEnd().split('\n').map(Number)
  return { child, pids, watchdog: watchdogPid(child.pid ?? 0) }
}

const watchdogPid = (parent: number) => findChildProcesses(parent, 'watchdog.sh')[0] ?? Number.NaN

suite('A killed runner', { concurrency: true }, () => {
  test('has its script and all descendants ended, and its watchdog exits', async (t) => {
    const { child, pids, watchdog } = await startRunner(t, 3, ['children/forks-deep', '3'])
    assert.equal(pids.filter(isProcessAlive).length, 3)
    child.kill('SIGKILL')
    await waitFor(() => !pids.some(isProcessAlive) && !isProcessAlive(watchdog))
  })

  test('has a child in a session of its own ended', async (t) => {
    const { child, pids, watchdog } = await startRunner(t, 1, ['children/starts-session'])
    assert.equal(pids.filter(isProcessAlive).length, 1)
    child.kill('SIGKILL')
    await waitFor(() => !pids.some(isProcessAlive) && !isProcessAlive(watchdog))
  })

  test('does not have processes ended that finished scripts have left running', async (t) => {
    const started = await startRunner(
      t,
      3,
      ['children/leaves-daemon'],
      ['children/leaves-child'],
      ['exit/ignores-term'],
    )
    const [daemon = 0, grandchild = 0, script = 0] = started.pids
    started.child.kill('SIGKILL')
    await waitFor(() => !isProcessAlive(script) && !isProcessAlive(started.watchdog))
    assert.deepEqual([daemon, grandchild].map(isProcessAlive), [true, true])
    killLeftover(daemon)
    killLeftover(grandchild)
  })

  test('has its script ended even when its first watchdog was killed before', async (t) => {
    const { child, pids, watchdog } = await startRunner(t, 1, ['exit/ignores-term'])
    process.kill(watchdog, 'SIGKILL')
    await waitFor(() => {
      const next = watchdogPid(child.pid ?? 0)
      return next > 0 && next !== watchdog && isProcessAlive(next)
    })
    // The new watchdog needs a moment to read which scripts run.
    await sleep(200)
    child.kill('SIGKILL')
    await waitFor(() => !pids.some(isProcessAlive))
  })
})

suite('A watchdog', { concurrency: true }, () => {
  test('that no longer reads its input is replaced', async (t) => {
    const { child, pids, watchdog } = await startRunner(t, 1, ['exit/sleeps', '60'], ['exit/ignores-term'])
    // The child process that reads the lines of the runner is the one that has started the timer. The timer keeps
    // running. The runner notices its end with the next line that it writes, at the end of the first script.
    const findReader = () =>
      findChildProcesses(watchdog, 'watchdog.sh').find(
        (pid) => findChildProcesses(pid, 'watchdog.sh').length > 0,
      )
    await waitFor(() => findReader() !== undefined)
    const reader = findReader() ?? Number.NaN
    process.kill(reader, 'SIGKILL')
    await waitFor(() => !isProcessAlive(reader))
    killLeftover(pids[0] ?? Number.NaN)
    await waitFor(() => {
      const next = watchdogPid(child.pid ?? 0)
      return next > 0 && next !== watchdog
    })
    await sleep(200)
    const [script = 0] = findChildProcesses(child.pid ?? 0, 'exit/ignores-term')
    assert.ok(isProcessAlive(script))
    child.kill('SIGKILL')
    await waitFor(() => !isProcessAlive(script))
  })

  test('does not keep its runner from exiting, and exits with it', async (t) => {
    const { child, watchdog } = await startRunner(t, 1, ['exit/sleeps', '2'])
    await waitFor(() => child.exitCode !== null)
    await waitFor(() => !isProcessAlive(watchdog))
  })

  test('ends a script at once that started after its deadline', async (t) => {
    const watchdog = createWatchdog(300, 2000)
    t.after(() => watchdog.close())
    watchdog.register('late')
    watchdog.extendDeadline('late', 0)
    // Longer than the interval between two checks of the deadlines.
    await sleep(1500)
    const script = spawn(fixturePath('exit/ignores-term'), {
      env: { ...minimalEnvironment, OCTOPOD_PROCESS: 'late' },
      detached: true,
    })
    const exited = once(script, 'exit')
    watchdog.setPid('late', script.pid ?? 0)
    assert.notEqual((await exited)[1], null)
  })

  test('can be closed, and does not end the children of ended scripts', async () => {
    const watchdog = createWatchdog(200)
    const request = { args: [], env: minimalEnvironment, timeoutMs: 5000, killGraceMs: 200, watchdog }
    let pid = 0
    const result = await runProcess({
      ...request,
      file: fixturePath('children/leaves-daemon'),
      onOutput: (_, bytes) => {
        pid = Number(Buffer.from(bytes))
      },
    })
    assert.equal(result.exitCode, 0)
    assert.match(
      (await runProcess({ ...request, file: fixturePath('absent') })).error ?? '',
      /does not exist/,
    )
    await watchdog.close()
    assert.ok(isProcessAlive(pid))
    killLeftover(pid)
  })

  test('sends KILL after the grace, however long each search for processes takes', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'octopod-slow-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const scansFile = join(folder, 'searches')
    writeFileSync(
      join(folder, 'grep'),
      `#!/bin/sh\necho search >> ${scansFile}\nsleep 0.4\nPATH=/usr/bin:/bin exec grep "$@"\n`,
      { mode: 0o755 },
    )
    const script = spawn(fixturePath('exit/ignores-term'), [], {
      env: { ...minimalEnvironment, OCTOPOD_PROCESS: 'slow' },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    })
    const [first] = await once(script.stdout, 'data')
    const pid = Number(String(first))
    const file = fileURLToPath(new URL('../../../runner/process/watchdog.sh', import.meta.url))
    // A grace of 2 s, in tenths of a second. Twenty searches would take 10 s.
    const watchdog = spawn('/bin/sh', [file, '20', '0.5'], {
      env: { PATH: `${folder}:/usr/bin:/bin` },
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    watchdog.stdin.end(`register slow 0\nset_pid slow ${pid} ${Math.floor(uptime() * 100)}\n`)
    await waitFor(() => !isProcessAlive(pid), 60_000)
    const count = readFileSync(scansFile, 'utf8').split('\n').length - 1
    assert.ok(count < 12, `killed after ${count} searches`)
  })
})
