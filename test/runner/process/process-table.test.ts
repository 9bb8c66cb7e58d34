/** The process table: what it knows of a process, and how callers share a read. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { suite, type TestContext, test } from 'node:test'
import { createProcessTable, isSameProcess } from '../../../runner/process/process-table.ts'
import { minimalEnvironment } from '../script-fixtures.ts'

async function startSleep(t: TestContext, env: Record<string, string> = {}) {
  const child = spawn('sleep', ['60'], { env: { ...minimalEnvironment, ...env }, detached: true })
  t.after(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  return { child, pid: child.pid ?? 0 }
}

suite('The process table', () => {
  test('knows the group of a process and the script in its environment', async (t) => {
    const marked = await startSleep(t, {
      OCTOPOD_PROCESS: 'here.1.2.3.abc',
      OCTOPOD_ACTION_ID: '7',
      OCTOPOD_FENCE: '2',
    })
    const other = await startSleep(t, { NOT_OCTOPOD_PROCESS: 'here' })
    const { isReadable, alive } = await createProcessTable().read()
    assert.equal(isReadable, true)
    const find = (pid: number) => alive.find((one) => one.pid === pid)
    assert.deepEqual(find(marked.pid)?.script, { marker: 'here.1.2.3.abc', actionId: 7, fencingToken: 2 })
    assert.equal(find(marked.pid)?.group, marked.pid)
    assert.equal(find(other.pid)?.script, null)
  })

  test('is read once for all who ask at the same moment, and again for a later one', async (t) => {
    const table = createProcessTable()
    const [one, other] = [table.read(), table.read()]
    assert.equal(await one, await other)
    const { pid } = await startSleep(t)
    const { alive } = await table.read()
    assert.ok(alive.some((process) => process.pid === pid))
  })

  test('has no ended processes', async (t) => {
    const { child, pid } = await startSleep(t)
    const table = createProcessTable()
    const before = (await table.read()).alive.find((one) => one.pid === pid)
    assert.ok(before && isSameProcess(before))
    assert.equal(isSameProcess({ ...before, startTicks: '1' }), false)
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.equal(isSameProcess(before), false)
    assert.equal(
      (await table.read()).alive.some((one) => one.pid === pid),
      false,
    )
  })
})
