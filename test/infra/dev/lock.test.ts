/** The lock of `npm start`: one process per folder, and the lock of a dead process is removed. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { acquireLock } from '../../../infra/dev/lock.ts'
import { processIdentity } from '../../../lib/node/process-identity.ts'

const folder = mkdtempSync(join(tmpdir(), 'octopod-lock-'))
const file = join(folder, 'lock')
after(() => rmSync(folder, { recursive: true }))

test('A second lock is rejected, and a released lock can be acquired again', () => {
  const unlock = acquireLock(file, folder)
  assert.throws(() => acquireLock(file, folder), { name: 'UserError', message: /already runs on/ })
  unlock()
  acquireLock(file, folder)()
  assert.deepEqual(readdirSync(folder), [])
})

test('The lock of a dead process, or of a reused process id, is replaced', () => {
  for (const held of ['999999999 some identity', `${process.pid} an earlier process`, 'broken', '']) {
    writeFileSync(file, held)
    acquireLock(file, folder)()
  }
  assert.deepEqual(readdirSync(folder), [])
})

test('A process identity is stable for one process and null without a process', () => {
  assert.equal(processIdentity(process.pid), processIdentity(process.pid))
  assert.notEqual(processIdentity(process.pid), processIdentity(process.ppid))
  assert.equal(processIdentity(999999999), null)
})
