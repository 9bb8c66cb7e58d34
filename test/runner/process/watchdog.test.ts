/** Scripts do not outlive a runner that was killed, and what they left running on purpose does. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { runProcess } from '../../../runner/process/process.ts'
import { createWatchdog } from '../../../runner/process/watchdog.ts'
import { fixturePath, isProcessAlive, killLeftover, minimalEnvironment, waitFor } from '../script-fixtures.ts'

const runnerProgram = fileURLToPath(new URL('run-with-watchdog.ts', import.meta.url))

/** A runner of its own that runs these scripts, one after the other; resolves with the numbers they print. */
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
  return { child, pids, companion: watchdogPid(child.pid ?? 0) }
}

const watchdogPid = (parent: number) => childPids(parent, 'watchdog.sh')[0] ?? Number.NaN

function childPids(parent: number, word: string): number[] {
  return readdirSync('/proc')
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
        const parentOf = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]
        return Number(parentOf) === parent && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(word)
      } catch {
        return false
      }
    })
    .map(Number)
}

suite('a runner that is killed', { concurrency: true }, () => {
  test('takes its script along, to the last grandchild, and the companion ends too', async (t) => {
    const { child, pids, companion: watchdog } = await startRunner(t, 3, ['forks-deep', '3'])
    assert.equal(pids.filter(isProcessAlive).length, 3)
    child.kill('SIGKILL')
    await waitFor(() => !pids.some(isProcessAlive) && !isProcessAlive(watchdog))
  })

  test('takes a child along that has gone into a session of its own', async (t) => {
    const { child, pids, companion: watchdog } = await startRunner(t, 1, ['escapes'])
    assert.equal(pids.filter(isProcessAlive).length, 1)
    child.kill('SIGKILL')
    await waitFor(() => !pids.some(isProcessAlive) && !isProcessAlive(watchdog))
  })

  test('leaves alone what finished scripts left running', async (t) => {
    const started = await startRunner(t, 3, ['leaves-daemon'], ['leaves-grandchild'], ['ignores-term'])
    const [daemon = 0, grandchild = 0, script = 0] = started.pids
    started.child.kill('SIGKILL')
    await waitFor(() => !isProcessAlive(script) && !isProcessAlive(started.companion))
    assert.deepEqual([daemon, grandchild].map(isProcessAlive), [true, true])
    killLeftover(daemon)
    killLeftover(grandchild)
  })

  test('is cleaned up after even if its companion had been killed before', async (t) => {
    const { child, pids, companion: watchdog } = await startRunner(t, 1, ['ignores-term'])
    process.kill(watchdog, 'SIGKILL')
    await waitFor(() => {
      const next = watchdogPid(child.pid ?? 0)
      return next > 0 && next !== watchdog && isProcessAlive(next)
    })
    // It is told what lives in the same breath as it is started; killed within that breath, nobody would know.
    await sleep(200)
    child.kill('SIGKILL')
    await waitFor(() => !pids.some(isProcessAlive))
  })
})

suite('a companion', { concurrency: true }, () => {
  test('that no longer hears its runner is replaced', async (t) => {
    const { child, companion: watchdog } = await startRunner(t, 1, ['sleeps', '1'], ['ignores-term'])
    // The part of it that reads the runner's lines; what looks at the clock goes on.
    const reader = watchdogPid(watchdog)
    assert.ok(reader > 0)
    process.kill(reader, 'SIGKILL')
    await waitFor(() => {
      const next = watchdogPid(child.pid ?? 0)
      return next > 0 && next !== watchdog
    })
    await sleep(200)
    const [script = 0] = childPids(child.pid ?? 0, 'ignores-term')
    assert.ok(isProcessAlive(script))
    child.kill('SIGKILL')
    await waitFor(() => !isProcessAlive(script))
  })

  test('does not keep its runner from ending, and ends with it', async (t) => {
    const { child, companion: watchdog } = await startRunner(t, 1, ['sleeps', '0.5'])
    await waitFor(() => child.exitCode !== null)
    await waitFor(() => !isProcessAlive(watchdog))
  })

  test('ends a script at once that its runner started after its time was up', async (t) => {
    const supervisor = createWatchdog(300, 2000)
    t.after(() => supervisor.close())
    supervisor.register('late')
    supervisor.extendDeadline('late', 0)
    // Longer than it takes to look at the clock.
    await sleep(1500)
    const script = spawn(fixturePath('ignores-term'), {
      env: { ...minimalEnvironment, OCTOPOD_PROCESS: 'late' },
      detached: true,
    })
    const gone = once(script, 'exit')
    supervisor.setPid('late', script.pid ?? 0)
    assert.notEqual((await gone)[1], null)
  })

  test('can be closed, and harms no script that has ended', async () => {
    const supervisor = createWatchdog(200)
    const request = { args: [], env: minimalEnvironment, timeoutMs: 5000, killGraceMs: 200, supervisor }
    let pid = 0
    const result = await runProcess({
      ...request,
      file: fixturePath('leaves-daemon'),
      onOutput: (_, bytes) => {
        pid = Number(Buffer.from(bytes))
      },
    })
    assert.equal(result.exitCode, 0)
    assert.match(
      (await runProcess({ ...request, file: fixturePath('absent') })).error ?? '',
      /does not exist/,
    )
    await supervisor.close()
    assert.ok(isProcessAlive(pid))
    killLeftover(pid)
  })

  test('kills when the grace is over by the clock, however long each look at the processes takes', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'octopod-slow-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const scansFile = join(folder, 'looks')
    writeFileSync(
      join(folder, 'grep'),
      `#!/bin/sh\necho look >> ${scansFile}\nsleep 0.4\nPATH=/usr/bin:/bin exec grep "$@"\n`,
      { mode: 0o755 },
    )
    const script = spawn(fixturePath('ignores-term'), [], {
      env: { ...minimalEnvironment, OCTOPOD_PROCESS: 'slow' },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    })
    const [first] = await once(script.stdout, 'data')
    const pid = Number(String(first))
    const file = fileURLToPath(new URL('../../../runner/process/watchdog.sh', import.meta.url))
    // A grace of two seconds, in tenths; twenty looks would take ten.
    const watchdog = spawn('/bin/sh', [file, '20', '0.5'], {
      env: { PATH: `${folder}:/usr/bin:/bin` },
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    watchdog.stdin.end(`start slow 0\nis slow ${pid}\n`)
    await waitFor(() => !isProcessAlive(pid), 60_000)
    const count = readFileSync(scansFile, 'utf8').split('\n').length - 1
    assert.ok(count < 12, `killed after ${count} looks`)
  })
})
