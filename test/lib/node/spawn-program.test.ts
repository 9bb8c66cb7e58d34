/** A program does not outlive the process that started it, whatever either of them does. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { suite, test } from 'node:test'
import { processIdentity } from '../../../lib/node/process-identity.ts'
import { spawnProgram } from '../../../lib/node/spawn-program.ts'
import { waitFor } from '../../helpers/wait-for.ts'

const isAlive = (pid: number) => processIdentity(pid) !== null
const idle = 'setInterval(() => {}, 1000); console.log("ready")'

/** Starts a parent that starts one program, acts on that program, and kills the parent; the program must end. */
async function killParent(script: string, act: (pid: number) => void = () => {}): Promise<void> {
  const parent = spawn(process.execPath, [join(import.meta.dirname, 'orphaning-parent.ts'), script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(parent, 'exit')
  const [line] = await once(createInterface({ input: parent.stdout }), 'line')
  const pid = Number(line)
  assert.ok(isAlive(pid))
  act(pid)
  parent.kill('SIGKILL')
  await exited
  try {
    await waitFor(`process ${pid} has ended`, async () => ({ done: !isAlive(pid), value: null, seen: pid }))
  } finally {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  }
}

suite('When the parent is killed', { concurrency: true }, () => {
  test('the program ends', () => killParent(idle))

  test('a stopped program ends', () => killParent(idle, (pid) => process.kill(pid, 'SIGSTOP')))

  test('a program that ignores SIGTERM ends', () => killParent(`process.on("SIGTERM", () => {}); ${idle}`))
})

const start = (script: string, onLine: (line: string) => void = () => {}) =>
  spawnProgram({
    name: 'program',
    file: process.execPath,
    args: ['-e', script],
    env: {},
    stopSequence: [{ signal: 'SIGTERM', waitMs: 300 }],
    onLine,
  })

test('stop() kills the whole group of a program that ignores the stop sequence', async () => {
  const grandchild = Promise.withResolvers<number>()
  const program = start(
    `process.on('SIGTERM', () => {})
    const { pid } = require('node:child_process').spawn('sleep', ['600'], { stdio: 'ignore' })
    console.log(pid)
    setInterval(() => {}, 1000)`,
    (line) => grandchild.resolve(Number(line)),
  )
  const pid = await grandchild.promise
  const exit = await program.stop()
  assert.deepEqual(exit, { code: null, signal: 'SIGKILL', spawnError: null })
  assert.equal(program.isRunning(), false)
  await waitFor('the grandchild has ended', async () => ({ done: !isAlive(pid), value: null }))
})

test('the last lines are there when the program has exited', async () => {
  const program = start('for (let line = 1; line <= 30; line += 1) console.log(line); process.exitCode = 3')
  assert.equal((await program.exited).code, 3)
  assert.equal(program.lastLines().length, 20)
  assert.equal(program.lastLines().at(-1), '30')
})
