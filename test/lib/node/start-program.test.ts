/** startProgram resolves when the program is ready, and rejects with its last lines when it is not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProgramStartError, type ReadyOptions, startProgram } from '../../../lib/node/start-program.ts'

const start = (script: string, ready: ReadyOptions) =>
  startProgram({
    name: 'The program',
    file: process.execPath,
    args: ['-e', script],
    env: {},
    onLine: () => {},
    ...ready,
  })
const idle = 'setInterval(() => {}, 1000)'

test('It waits for the ready line and then for the check', async () => {
  let checks = 0
  const program = await start(`console.log('one'); console.log('ready on port 7'); ${idle}`, {
    readyText: 'ready',
    isReady: () => {
      checks += 1
      return checks === 3
    },
  })
  assert.equal(program.readyLine, 'ready on port 7')
  assert.equal(checks, 3)
  assert.equal((await program.stop()).signal, 'SIGTERM')
})

test('A program that exits first is an error with its exit and its last lines', async () => {
  const error = await start("console.log('no port'); process.exit(4)", { readyText: 'ready' }).catch((e) => e)
  assert.ok(error instanceof ProgramStartError)
  assert.equal(error.failure, 'ended with code 4')
  assert.equal(error.message, 'The program ended with code 4\nno port')
})

test('A program that is not ready in time is stopped', async () => {
  const error = await start(idle, { readyText: 'ready', readyTimeoutMs: 300 }).catch((e) => e)
  assert.ok(error instanceof ProgramStartError)
  assert.equal(error.failure, 'was not ready after 0.3 seconds')
  assert.equal(error.program.isRunning(), false)
})

test('A file that does not exist is an error that names the cause', async () => {
  const missing = { name: 'It', file: '/no/such/file', args: [], env: {}, onLine: () => {} }
  await assert.rejects(startProgram({ ...missing, readyText: 'ready' }), /It could not start: .*ENOENT/)
})
