/** A script is run to its end whatever it does, and how it ended comes back as a value. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text as readAll } from 'node:stream/consumers'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { collectOutput, type ProcessRequest, runProcess } from '../../../runner/process/process.ts'
import { isTreeAlive } from '../../../runner/process/process-tree.ts'
import {
  fixtureRequest,
  isProcessAlive,
  killLeftover,
  receivedArguments,
  runFixture,
  waitFor,
} from '../script-fixtures.ts'

/** Runs a script that prints numbers of processes and goes on; `act` gets those of its first `count` lines. */
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

suite('a script that ends by itself', { concurrency: true }, () => {
  test('gives its exit code, its streams apart and how long it took', async () => {
    const { result, stdout, stderr } = await runFixture('exits', ['3', 'three', 'words'])
    assert.equal(result.exitCode, 3)
    assert.equal(result.signal, null)
    assert.equal(result.error, null)
    assert.equal(stdout, 'three words\n')
    assert.equal(stderr, '')
    const both = await runFixture('prints-both', ['2'])
    assert.deepEqual([both.stdout, both.stderr], ['out 1\nout 2\n', 'err 1\nerr 2\n'])
  })

  test('that was killed by somebody else says by which signal, and counts as neither cancelled nor timed out', async () => {
    const { result } = await runFixture('kills-itself')
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
        problem: null,
      },
    )
  })

  test('gets its arguments exactly, through no shell', async () => {
    const args = ['--a', 'x y', '$(id)', '`id`', "it's", '"q"', '', '*', 'a\nb', '-n', 'ä€😀', 'k=v;ls']
    assert.deepEqual(await receivedArguments(args), args)
  })

  test('sees the environment it is given and its mark, and nothing of the runner', async () => {
    const { stdout } = await runFixture('prints-environment', [], {
      env: { PATH: '/usr/bin:/bin', OCTOPOD_FENCE: '7' },
    })
    const names = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('=')[0])
      .filter((name) => name !== 'PWD' && name !== '_' && name !== 'SHLVL')
    assert.deepEqual(names.sort(), ['OCTOPOD_FENCE', 'OCTOPOD_PROCESS', 'PATH'])
  })

  test('has nothing to read and does not wait for it', async () => {
    assert.match((await runFixture('reads-stdin')).stdout, /read\s+0 bytes/)
  })

  test('may leave a child in its group or a daemon running, and is not held up', async () => {
    for (const name of ['leaves-grandchild', 'leaves-daemon']) {
      const { result, stdout } = await runFixture(name)
      assert.equal(result.exitCode, 0)
      assert.ok(result.durationMs < 1900, `${name} took ${result.durationMs} ms`)
      assert.ok(isProcessAlive(Number(stdout)), `${name} lost what it started`)
      killLeftover(Number(stdout))
    }
  })

  test('whose child holds its pipes open is read 2 s longer, then left', async () => {
    const { result, stdout } = await runFixture('holds-stdout')
    assert.equal(result.exitCode, 0)
    assert.ok(result.durationMs >= 1900, `took ${result.durationMs} ms`)
    assert.ok(isProcessAlive(Number(stdout)))
    killLeftover(Number(stdout))
  })
})

suite('a script that cannot be started', { concurrency: true }, () => {
  const spawnErrors: [string, ProcessRequest, RegExp][] = [
    [
      'is not there',
      fixtureRequest('absent'),
      /absent could not be started: it does not exist\. Check CONTROL_SCRIPTS_DIR/,
    ],
    ['lies below a file', fixtureRequest('exits/absent'), /a part of its path is not a folder/],
    [
      'is not executable',
      fixtureRequest('not-executable'),
      /it is not executable\. Make it so with chmod \+x/,
    ],
    ['is a folder', fixtureRequest('.'), /it is not executable/],
    [
      'has no interpreter',
      fixtureRequest('interpreter-missing'),
      /its interpreter, named in its first line, is not on this/,
    ],
    [
      'gets too long an argument',
      fixtureRequest('exits', ['0', 'x'.repeat(200_000)]),
      /too long for arguments/,
    ],
    ['gets a NUL character', fixtureRequest('exits', ['0', 'a\0b']), /contain a NUL character/],
  ]
  for (const [what, request, message] of spawnErrors)
    test(`because it ${what} resolves with clear words`, async () => {
      const result = await runProcess(request)
      assert.equal(result.exitCode, null)
      assert.match(result.error ?? '', message)
      assert.doesNotMatch(result.error ?? '', /spawn|errno|E[A-Z]{4,}/)
    })
})

suite('a script whose time is up', { concurrency: true }, () => {
  test('is asked to end, and counts as timed out even if it then exits 0', async () => {
    const { result, stdout } = await runFixture('exits-zero-after-term', [], {
      timeoutMs: 200,
      killGraceMs: 5000,
    })
    assert.equal(result.timedOut, true)
    assert.equal(result.exitCode, 0)
    assert.match(stdout, /good bye/)
  })

  test('is killed after the grace when it ignores that', async () => {
    const { result, stdout } = await runFixture('ignores-term', [], { timeoutMs: 200 })
    assert.equal(result.timedOut, true)
    assert.equal(result.signal, 'SIGKILL')
    assert.ok(result.durationMs >= 490, `took ${result.durationMs} ms`)
    assert.equal(isProcessAlive(Number(stdout)), false)
  })

  test('may be given more time than a timer can count', async () => {
    assert.equal((await runFixture('exits', ['0'], { timeoutMs: 10 ** 12 })).result.timedOut, false)
  })
})

suite('a script that is no longer wanted', { concurrency: true }, () => {
  test('is not even started when that is known before', async () => {
    const { result, stdout } = await runFixture('exits', ['0', 'started'], {
      signal: AbortSignal.abort('cancelled'),
    })
    assert.equal(result.cancelled, true)
    assert.equal(result.exitCode, null)
    assert.equal(stdout, '')
  })

  test('is cancelled or interrupted, as the reason says; the first reason wins', async () => {
    for (const reason of ['cancelled', 'interrupted'] as const) {
      const { result } = await runAndAct('exits-zero-after-term', [], 1, (controller) =>
        controller.abort(reason),
      )
      assert.equal(result[reason], true)
      assert.equal(result.cancelled && result.interrupted, false)
    }
    const controller = new AbortController()
    const times = { timeoutMs: 1, killGraceMs: 1000 }
    const run = runProcess(fixtureRequest('ignores-term', [], { ...times, signal: controller.signal }))
    await sleep(500)
    controller.abort('cancelled')
    const result = await run
    assert.equal(result.timedOut, true)
    assert.equal(result.cancelled, false)
  })

  test('is ended also by a runner that can open no file just then', async () => {
    const program = fileURLToPath(new URL('cancel-without-file-descriptors.ts', import.meta.url))
    const child = spawn('prlimit', ['--nofile=60', process.execPath, program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [text, [code]] = await Promise.all([readAll(child.stdout), once(child, 'exit')])
    assert.equal(code, 0)
    const { cancelled, signal } = JSON.parse(text) as { cancelled: boolean; signal: string }
    assert.deepEqual([cancelled, signal], [true, 'SIGKILL'])
  })

  test('is ended also when that is said while it is being started', async () => {
    const controller = new AbortController()
    const run = runProcess(fixtureRequest('sleeps', ['10'], { signal: controller.signal }))
    controller.abort('cancelled')
    const { cancelled, signal } = await run
    assert.deepEqual([cancelled, signal], [true, 'SIGTERM'])
  })

  test('takes its children along to the last grandchild', async () => {
    const { result, pids } = await runAndAct('forks-deep', ['4'], 4, (controller) =>
      controller.abort('cancelled'),
    )
    assert.equal(result.cancelled, true)
    assert.equal(pids.length, 4)
    assert.deepEqual(pids.filter(isProcessAlive), [])
  })

  test('takes even a child along that has gone into a session of its own', async () => {
    const { pids } = await runAndAct('escapes', [], 1, (controller) => controller.abort('cancelled'))
    assert.equal(pids.length, 1)
    assert.deepEqual(pids.filter(isProcessAlive), [])
  })

  test('cannot fork out of the way', async () => {
    const { result, pids } = await runAndAct('forks-endlessly', [], 1, (controller) =>
      controller.abort('cancelled'),
    )
    assert.equal(result.signal, 'SIGKILL')
    assert.deepEqual(pids.filter(isProcessAlive), [])
  })

  test('takes along what it starts at that very moment in sessions of their own', async () => {
    for (const killGraceMs of [0, 100]) {
      const mark = `strays-${process.pid}-${killGraceMs}`
      const controller = new AbortController()
      const run = runProcess(
        fixtureRequest('spawns-strays', [], { marker: mark, signal: controller.signal, killGraceMs }),
      )
      await sleep(200)
      controller.abort('cancelled')
      assert.equal((await run).cancelled, true)
      await sleep(50)
      assert.equal(isTreeAlive({ pid: -1, marker: mark }), false)
    }
  })

  test('hears it also when it was stopped', async () => {
    const { result, text } = await runAndAct('stops-itself', [], 1, (controller) =>
      controller.abort('cancelled'),
    )
    assert.equal(result.exitCode, 7)
    assert.match(text, /woken/)
  })

  test('leaves alone what earlier scripts have left running', async () => {
    const daemon = Number((await runFixture('leaves-daemon')).stdout)
    await runAndAct('ignores-term', [], 1, (controller) => controller.abort('cancelled'))
    assert.ok(isProcessAlive(daemon))
    killLeftover(daemon)
  })
})

suite('output', { concurrency: true }, () => {
  test('waits in the pipe as long as its reader is busy, and none is lost', async () => {
    let bytes = 0
    let busy = 0
    const result = await runProcess(
      fixtureRequest('prints-bytes', ['3000000'], {
        onOutput: async (_, piece) => {
          busy += 1
          assert.equal(busy, 1, 'a second piece came while the first was being taken')
          await sleep(1)
          bytes += piece.length
          busy -= 1
        },
      }),
    )
    assert.equal(result.exitCode, 0)
    assert.equal(bytes, 3_000_000)
  })

  test('of a script that has ended is read to the end, however slow the reader', async () => {
    let bytes = 0
    const slow = async (_: string, piece: Uint8Array) => {
      await sleep(750)
      bytes += piece.length
    }
    const result = await runProcess(fixtureRequest('prints-bytes', ['150000'], { onOutput: slow }))
    assert.equal(result.exitCode, 0)
    assert.equal(bytes, 150_000)
  })

  for (const [how, onOutput] of [
    [
      'throws',
      () => {
        throw new Error('no place')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no place'))],
  ] as const)
    test(`without a place (its reader ${how}) ends the script, then rejects`, async () => {
      let pid = 0
      await assert.rejects(
        runProcess(
          fixtureRequest('ignores-term', [], {
            onOutput: (_, bytes) => {
              pid = Number(Buffer.from(bytes))
              return onOutput()
            },
          }),
        ),
        /no place/,
      )
      assert.equal(isProcessAlive(pid), false)
    })

  test('for ever is ended by the time-out, in bounded memory', async () => {
    const { result, stdout } = await collectOutput(
      fixtureRequest('prints-forever', [], { timeoutMs: 400 }),
      1000,
    )
    assert.equal(result.timedOut, true)
    assert.equal(result.truncated, true)
    assert.equal(stdout.length, 1000)
  })

  test('collected is text: invalid UTF-8 replaced, NUL gone', async () => {
    assert.equal((await runFixture('broken-utf8')).stdout, 'good é bad \uFFFD cut \uFFFD')
    const { result, stdout } = await runFixture('prints-nul')
    assert.equal(stdout, 'beforeafter\n')
    assert.equal(result.truncated, false)
  })

  test('collected up to a limit does not cut a character', async () => {
    const { result, stdout } = await collectOutput(fixtureRequest('exits', ['0', 'ab€€']), 6)
    assert.equal(stdout, 'ab€')
    assert.equal(result.truncated, true)
    assert.equal(result.exitCode, 0)
  })
})
