/** One at a time on one folder, and a dead process's lock is nobody's. */
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

test('a lock that is held is refused, one given back can be taken', () => {
  const unlock = acquireLock(file, folder)
  assert.throws(() => acquireLock(file, folder), { name: 'Problem', message: /runs already on/ })
  unlock()
  acquireLock(file, folder)()
  assert.deepEqual(readdirSync(folder), [])
})

test('the lock of a process that is gone, or whose id has passed to another, is taken over', () => {
  for (const held of ['999999999 somebody', `${process.pid} an earlier process`, 'broken', '']) {
    writeFileSync(file, held)
    acquireLock(file, folder)()
  }
  assert.deepEqual(readdirSync(folder), [])
})

test('identity: the same for one process, none for nobody', () => {
  assert.equal(processIdentity(process.pid), processIdentity(process.pid))
  assert.notEqual(processIdentity(process.pid), processIdentity(process.ppid))
  assert.equal(processIdentity(999999999), null)
})
