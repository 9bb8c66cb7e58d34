/**
 * runProcess: scripts that exit, fail to start, time out, are cancelled or print too much, each with its result as a
 * value.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text as readAll } from 'node:stream/consumers'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { collectOutput, type ProcessRequest, runProcess } from '../../../runner/process/process.ts'
import { createProcessTable } from '../../../runner/process/process-table.ts'
import {
  fixtureRequest,
  isProcessAlive,
  killLeftover,
  receivedArguments,
  runFixture,
  waitFor,
} from '../script-fixtures.ts'

/** Runs a script that prints pids and keeps running. Calls `onOutput` after `count` lines. */
async function runAndAct(
  name: string,
  args: string[],
  count: number,
  onOutput: (controller: AbortController) => void,
) {
  const controller = new AbortController()
  let text = ''
  const run = runProcess(
    fixtureRequest(name, args, {
      signal: controller.signal,
      onOutput: (_, bytes) => {
        text += Buffer.from(bytes)
      },
    }),
  )
  await waitFor(() => text.split('\n').length > count)
  onOutput(controller)
  const result = await run
  return {
    result,
    text,
    pids: text
      .split('\n')
      .filter((line) => /^\d+$/.test(line))
      .map(Number),
  }
}

suite('A script that ends by itself', { concurrency: true }, () => {
  test('returns its exit code and both streams', async () => {
    const { result, stdout, stderr } = await runFixture('exit/exits', ['3', 'three', 'words'])
    assert.equal(result.exitCode, 3)
    assert.equal(result.signal, null)
    assert.equal(result.error, null)
    assert.equal(stdout, 'three words\n')
    assert.equal(stderr, '')
    const both = await runFixture('output/prints-both', ['2'])
    assert.deepEqual([both.stdout, both.stderr], ['out 1\nout 2\n', 'err 1\nerr 2\n'])
  })

  test('with one pipe returns both streams as stdout, in the order of arrival', async () => {
    const { stdout, stderr } = await runFixture('output/prints-both', ['500'], { onePipe: true })
    const expected = Array.from({ length: 500 }, (_, at) => `out ${at + 1}\nerr ${at + 1}\n`).join('')
    assert.deepEqual([stdout, stderr], [expected, ''])
  })

  test('with one pipe receives its arguments unchanged, and says the same when it cannot be started', async () => {
    const args = ['--a', 'x y', '$(id)', '`id`', "it's", '', '*', 'a\nb', '-n', '--', 'ä€😀', 'k=v;ls']
    assert.deepEqual(await receivedArguments(args, { onePipe: true }), args)
    for (const name of ['absent', 'exit/not-executable', 'exit/interpreter-missing']) {
      const one = await runFixture(name, [], { onePipe: true })
      assert.equal(one.result.error, (await runFixture(name)).result.error)
    }
  })

  test('killed by another process returns the signal, and is neither cancelled nor timed out', async () => {
    const { result } = await runFixture('exit/kills-itself')
    assert.deepEqual(
      { ...result, durationMs: 0 },
      {
        exitCode: null,
        signal: 'SIGKILL',
        timedOut: false,
        cancelled: false,
        interrupted: false,
        truncated: false,
        durationMs: 0,
        error: null,
      },
    )
  })

  test('receives its arguments unchanged, without a shell', async () => {
    const args = ['--a', 'x y', '$(id)', '`id`', "it's", '"q"', '', '*', 'a\nb', '-n', 'ä€😀', 'k=v;ls']
    assert.deepEqual(await receivedArguments(args), args)
  })

  test('sees its environment and its marker, and nothing of the environment of the runner', async () => {
    const { stdout } = await runFixture('output/prints-environment', [], {
      env: { PATH: '/usr/bin:/bin', OCTOPOD_FENCE: '7' },
    })
    const names = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('=')[0])
      .filter((name) => name !== 'PWD' && name !== '_' && name !== 'SHLVL')
    assert.deepEqual(names.sort(), ['OCTOPOD_FENCE', 'OCTOPOD_PROCESS', 'PATH'])
  })

  test('has an empty stdin', async () => {
    assert.match((await runFixture('output/reads-stdin')).stdout, /read\s+0 bytes/)
  })

  test('ends at once although it leaves a child or a daemon running', async () => {
    for (const name of ['children/leaves-child', 'children/leaves-daemon']) {
      const { result, stdout } = await runFixture(name)
      assert.equal(result.exitCode, 0)
      assert.ok(result.durationMs < 1900, `${name} took ${result.durationMs} ms`)
      assert.ok(isProcessAlive(Number(stdout)), `the child of ${name} was ended`)
      killLeftover(Number(stdout))
    }
  })

  test('whose child holds its pipes open is read for 2 s longer', async () => {
    const { result, stdout } = await runFixture('output/holds-stdout')
    assert.equal(result.exitCode, 0)
    assert.ok(result.durationMs >= 1900, `took ${result.durationMs} ms`)
    assert.ok(isProcessAlive(Number(stdout)))
    killLeftover(Number(stdout))
  })
})

suite('A script that cannot be started', { concurrency: true }, () => {
  const spawnErrors: [string, ProcessRequest, RegExp][] = [
    [
      'does not exist',
      fixtureRequest('absent'),
      /absent could not be started: it does not exist\. Check CONTROL_SCRIPTS_DIR/,
    ],
    ['lies below a file', fixtureRequest('exit/exits/absent'), /a part of its path is not a folder/],
    [
      'is not executable',
      fixtureRequest('exit/not-executable'),
      /it is not executable\. Make it so with chmod \+x/,
    ],
    ['is a folder', fixtureRequest('.'), /it is not executable/],
    [
      'has no interpreter',
      fixtureRequest('exit/interpreter-missing'),
      /its interpreter, named in its first line, is not on this/,
    ],
    [
      'gets too long an argument',
      fixtureRequest('exit/exits', ['0', 'x'.repeat(200_000)]),
      /too long for arguments/,
    ],
    ['gets a NUL character', fixtureRequest('exit/exits', ['0', 'a\0b']), /contain a NUL character/],
  ]
  for (const [reason, request, message] of spawnErrors)
    test(`because it ${reason} returns a clear message`, async () => {
      const result = await runProcess(request)
      assert.equal(result.exitCode, null)
      assert.match(result.error ?? '', message)
      assert.doesNotMatch(result.error ?? '', /spawn|errno|E[A-Z]{4,}/)
    })
})

suite('A script that reaches its time limit', { concurrency: true }, () => {
  test('receives TERM, and counts as timed out even if it then exits with 0', async () => {
    const { result, stdout } = await runFixture('exit/exits-zero-after-term', [], {
      timeoutMs: 200,
      killGraceMs: 5000,
    })
    assert.equal(result.timedOut, true)
    assert.equal(result.exitCode, 0)
    assert.match(stdout, /good bye/)
  })

  test('receives KILL after the grace when it ignores TERM', async () => {
    const { result, stdout } = await runFixture('exit/ignores-term', [], { timeoutMs: 200 })
    assert.equal(result.timedOut, true)
    assert.equal(result.signal, 'SIGKILL')
    assert.ok(result.durationMs >= 490, `took ${result.durationMs} ms`)
    assert.equal(isProcessAlive(Number(stdout)), false)
  })

  test('may have a longer limit than a timer supports', async () => {
    assert.equal((await runFixture('exit/exits', ['0'], { timeoutMs: 10 ** 12 })).result.timedOut, false)
  })
})

suite('A script whose signal aborts', { concurrency: true }, () => {
  test('is not started when the signal has aborted before', async () => {
    const { result, stdout } = await runFixture('exit/exits', ['0', 'started'], {
      signal: AbortSignal.abort('cancelled'),
    })
    assert.equal(result.cancelled, true)
    assert.equal(result.exitCode, null)
    assert.equal(stdout, '')
  })

  test('is cancelled or interrupted according to the abort reason; the first reason wins', async () => {
    for (const reason of ['cancelled', 'interrupted'] as const) {
      const { result } = await runAndAct('exit/exits-zero-after-term', [], 1, (controller) =>
        controller.abort(reason),
      )
      assert.equal(result[reason], true)
      assert.equal(result.cancelled && result.interrupted, false)
    }
    const controller = new AbortController()
    const times = { timeoutMs: 1, killGraceMs: 1000 }
    const run = runProcess(fixtureRequest('exit/ignores-term', [], { ...times, signal: controller.signal }))
    await sleep(500)
    controller.abort('cancelled')
    const result = await run
    assert.equal(result.timedOut, true)
    assert.equal(result.cancelled, false)
  })

  test('is ended even when the runner has no free file descriptor', async () => {
    const program = fileURLToPath(new URL('cancel-without-file-descriptors.ts', import.meta.url))
    const child = spawn('prlimit', ['--nofile=60', process.execPath, program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [text, [code]] = await Promise.all([readAll(child.stdout), once(child, 'exit')])
    assert.equal(code, 0)
    const { cancelled, signal } = JSON.parse(text) as { cancelled: boolean; signal: string }
    assert.deepEqual([cancelled, signal], [true, 'SIGKILL'])
  })

  test('is ended even when the signal aborts during the start', async () => {
    const controller = new AbortController()
    const run = runProcess(fixtureRequest('exit/sleeps', ['10'], { signal: controller.signal }))
    controller.abort('cancelled')
    const { cancelled, signal } = await run
    assert.deepEqual([cancelled, signal], [true, 'SIGTERM'])
  })

  test('ends together with all its descendants', async () => {
    const { result, pids } = await runAndAct('children/forks-deep', ['4'], 4, (controller) =>
      controller.abort('cancelled'),
    )
    assert.equal(result.cancelled, true)
    assert.equal(pids.length, 4)
    assert.deepEqual(pids.filter(isProcessAlive), [])
  })

  test('ends together with a child in a session of its own', async () => {
    const { pids } = await runAndAct('children/starts-session', [], 1, (controller) =>
      controller.abort('cancelled'),
    )
    assert.equal(pids.length, 1)
    assert.deepEqual(pids.filter(isProcessAlive), [])
  })

  test('cannot escape by forking', async () => {
    const { result, pids } = await runAndAct('children/forks-endlessly', [], 1, (controller) =>
      controller.abort('cancelled'),
    )
    assert.equal(result.signal, 'SIGKILL')
    assert.deepEqual(pids.filter(isProcessAlive), [])
  })

  test('ends together with children that start sessions of their own at that moment', async () => {
    for (const killGraceMs of [0, 100]) {
      const marker = `strays-${process.pid}-${killGraceMs}`
      const controller = new AbortController()
      const run = runProcess(
        fixtureRequest('children/starts-sessions-endlessly', [], {
          marker,
          signal: controller.signal,
          killGraceMs,
        }),
      )
      await sleep(200)
      controller.abort('cancelled')
      assert.equal((await run).cancelled, true)
      await sleep(50)
      const { alive } = await createProcessTable().read()
      assert.deepEqual(
        alive.filter(({ script }) => script?.marker === marker),
        [],
      )
    }
  })

  test('receives TERM even when it is stopped', async () => {
    const { result, text } = await runAndAct('exit/stops-itself', [], 1, (controller) =>
      controller.abort('cancelled'),
    )
    assert.equal(result.exitCode, 7)
    assert.match(text, /continued/)
  })

  test('does not end processes that earlier scripts have left running', async () => {
    const daemon = Number((await runFixture('children/leaves-daemon')).stdout)
    await runAndAct('exit/ignores-term', [], 1, (controller) => controller.abort('cancelled'))
    assert.ok(isProcessAlive(daemon))
    killLeftover(daemon)
  })
})

suite('Output', { concurrency: true }, () => {
  test('waits in the pipe while onOutput is busy, and nothing is lost', async () => {
    let bytes = 0
    let busy = 0
    const result = await runProcess(
      fixtureRequest('output/prints-bytes', ['3000000'], {
        onOutput: async (_, piece) => {
          busy += 1
          assert.equal(busy, 1, 'a second piece came while the first one was processed')
          await sleep(1)
          bytes += piece.length
          busy -= 1
        },
      }),
    )
    assert.equal(result.exitCode, 0)
    assert.equal(bytes, 3_000_000)
  })

  test('of an ended script is read completely, however slow onOutput is', async () => {
    let bytes = 0
    const slow = async (_: string, piece: Uint8Array) => {
      await sleep(750)
      bytes += piece.length
    }
    const result = await runProcess(fixtureRequest('output/prints-bytes', ['150000'], { onOutput: slow }))
    assert.equal(result.exitCode, 0)
    assert.equal(bytes, 150_000)
  })

  for (const [how, onOutput] of [
    [
      'throws',
      () => {
        throw new Error('disk full')
      },
    ],
    ['rejects', () => Promise.reject(new Error('disk full'))],
  ] as const)
    test(`whose onOutput ${how} ends the script, then rejects`, async () => {
      let pid = 0
      await assert.rejects(
        runProcess(
          fixtureRequest('exit/ignores-term', [], {
            onOutput: (_, bytes) => {
              pid = Number(Buffer.from(bytes))
              return onOutput()
            },
          }),
        ),
        /disk full/,
      )
      assert.equal(isProcessAlive(pid), false)
    })

  test('without end stops at the time limit and is truncated', async () => {
    const { result, stdout } = await collectOutput(
      fixtureRequest('output/prints-forever', [], { timeoutMs: 400 }),
      1000,
    )
    assert.equal(result.timedOut, true)
    assert.equal(result.truncated, true)
    assert.equal(stdout.length, 1000)
  })

  test('and long arguments count as garbage', async () => {
    let garbageBytes = 0
    const collectGarbage = (bytes: number) => {
      garbageBytes += bytes
    }
    await runFixture('exit/exits', ['0', ...Array.from({ length: 5 }, () => 'x'.repeat(100_000))], {
      collectGarbage,
    })
    assert.ok(garbageBytes > 2_000_000, `${garbageBytes} bytes`)
  })

  test('collected as text has invalid UTF-8 replaced and NUL removed', async () => {
    assert.equal((await runFixture('output/broken-utf8')).stdout, 'good é bad \uFFFD cut \uFFFD')
    const { result, stdout } = await runFixture('output/prints-nul')
    assert.equal(stdout, 'beforeafter\n')
    assert.equal(result.truncated, false)
  })

  test('collected up to a limit does not split a character', async () => {
    const { result, stdout } = await collectOutput(fixtureRequest('exit/exits', ['0', 'ab€€']), 6)
    assert.equal(stdout, 'ab€')
    assert.equal(result.truncated, true)
    assert.equal(result.exitCode, 0)
  })
})
