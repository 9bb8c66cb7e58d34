/** Restarts of a process: how often it is restarted, and that nothing starts after a stop. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type StartProcess, startWithRestart } from '../../../../infra/dev/process/restart.ts'
import { spawnProgram } from '../../../../lib/node/spawn-program.ts'

const sleeper: StartProcess = async (onSpawn) => child(onSpawn, 'setInterval(() => {}, 1000)')
const child = (onSpawn: Parameters<StartProcess>[0], script: string) =>
  spawnProgram({
    name: 'it',
    file: process.execPath,
    args: ['-e', script],
    env: {},
    onLine: () => {},
    onSpawn,
  })

test('A process that keeps dying is restarted once per delay, then given up with its last output', async () => {
  const printed: string[] = []
  const why = await new Promise<string>((giveUp) => {
    const start: StartProcess = async (onSpawn) => child(onSpawn, 'console.log("oh no"); process.exit(7)')
    startWithRestart('It', start, {
      restartDelaysMs: [1, 1],
      print: (line) => printed.push(line),
      onGiveUp: giveUp,
    })
  })
  assert.equal(why, 'It was started 3 times.\nit ended with code 7; its last output:\n  oh no')
  assert.equal(printed.filter((line) => line === 'It is restarted.').length, 2)
})

test('A failed start counts as a failure', async () => {
  let attempts = 0
  const start: StartProcess = async (onSpawn) => {
    attempts += 1
    if (attempts > 1) throw new Error('the port is taken')
    return child(onSpawn, '')
  }
  const why = await new Promise<string>((giveUp) =>
    startWithRestart('It', start, { restartDelaysMs: [1, 1], print: () => {}, onGiveUp: giveUp }),
  )
  assert.equal(attempts, 3)
  assert.match(why, /the port is taken$/)
})

test('ready rejects with the error of the first start', async () => {
  const failing: StartProcess = async () => {
    throw new Error('no program')
  }
  const supervised = startWithRestart('It', failing, { print: () => {}, onGiveUp: () => assert.fail() })
  await assert.rejects(supervised.ready, /no program/)
  await supervised.stop()
})

test('A stopped process is not restarted', async () => {
  const supervised = startWithRestart('It', sleeper, {
    restartDelaysMs: [1],
    print: () => assert.fail(),
    onGiveUp: () => assert.fail(),
  })
  await supervised.ready
  await supervised.stop()
})
