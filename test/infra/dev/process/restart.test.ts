/** Keeping a process up: how often it gets another life, and that nothing comes up after the end. */
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

test('one that keeps dying is started again as often as there are pauses, then given up with its last words', async () => {
  const said: string[] = []
  const why = await new Promise<string>((giveUp) => {
    const start: StartProcess = async (onSpawn) => child(onSpawn, 'console.log("oh no"); process.exit(7)')
    startWithRestart('It', start, {
      restartDelaysMs: [1, 1],
      print: (line) => said.push(line),
      onGiveUp: giveUp,
    })
  })
  assert.equal(why, 'It was started 3 times.\nit ended with code 7; its last words:\n  oh no')
  assert.equal(said.filter((line) => line === 'It is started again.').length, 2)
})

test('an attempt that fails counts as a life', async () => {
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

test('what the first start throws is told to who waits', async () => {
  const failing: StartProcess = async () => {
    throw new Error('no program')
  }
  const kept = startWithRestart('It', failing, { print: () => {}, onGiveUp: () => assert.fail() })
  await assert.rejects(kept.ready, /no program/)
  await kept.stop()
})

test('stopped, it stays stopped', async () => {
  const kept = startWithRestart('It', sleeper, {
    restartDelaysMs: [1],
    print: () => assert.fail(),
    onGiveUp: () => assert.fail(),
  })
  await kept.ready
  await kept.stop()
})
