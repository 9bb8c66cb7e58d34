/** A process of ours does not outlive us, however we went and whatever it is doing. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { suite, test } from 'node:test'
import { processIdentity } from '../../../../infra/dev/process/process-identity.ts'
import { waitFor } from '../../../helpers/wait-for.ts'

const isAlive = (pid: number) => processIdentity(pid) !== null

/** Starts a parent that starts one child, does something to the child, and is killed; the child must end. */
async function killParent(script: string, then: (pid: number) => void = () => {}): Promise<void> {
  const parent = spawn(process.execPath, [join(import.meta.dirname, '../fake-programs/parent.ts'), script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = once(parent, 'exit')
  const [line] = await once(createInterface({ input: parent.stdout }), 'line')
  const pid = Number(line)
  assert.ok(isAlive(pid))
  then(pid)
  parent.kill('SIGKILL')
  await gone
  try {
    await waitFor(`process ${pid} has ended`, async () => ({
      done: !isAlive(pid),
      value: null,
      seen: pid,
    }))
  } finally {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  }
}

suite('a process whose starter was killed', { concurrency: true }, () => {
  test('ends', () => killParent('setInterval(() => {}, 1000); console.log("ready")'))

  test('ends, though it was stopped and hears nothing', () =>
    killParent('setInterval(() => {}, 1000); console.log("ready")', (pid) => process.kill(pid, 'SIGSTOP')))

  test('ends, though it does not do as it is asked', () =>
    killParent('process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("ready")'))
})
