/** The disk of PostgreSQL is full: changes are rejected with a message, and work goes on as soon as there is space. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runMigrations } from '../../../db/run-migrations.ts'
import type { Action } from '../../../domain/schemas.ts'
import { ensureDatabase, startPostgres } from '../../../infra/dev/postgres/postgres.ts'
import { freePort } from '../../../lib/node/ports.ts'
import { createApiClient, getActionId } from '../../helpers/api-client.ts'
import { findScriptProcesses } from '../../helpers/find-processes.ts'
import { startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'

const disk = mkdtempSync(join(tmpdir(), 'octopod-disk-'))
const mounted = mount()
let stop = async () => {}
after(async () => {
  await stop()
  if (mounted) execFileSync('umount', [disk])
  rmSync(disk, { recursive: true, force: true })
})

/** Mounts a small disk in memory, which only root may do. */
function mount(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=150m,mode=711', 'none', disk], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const filler = join(disk, 'filler')
/** PostgreSQL may write at the same time, so the last bytes may find no space. */
function fill(): void {
  const { bavail, bsize } = statfsSync(disk)
  try {
    writeFileSync(filler, Buffer.alloc(bavail * bsize))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}

const skip = mounted ? false : 'this account may not mount a disk'
test('With a full disk reads work, changes are rejected with the reason, and a running script succeeds', {
  skip,
}, async () => {
  chmodSync(disk, 0o711)
  const port = await freePort()
  const dataDir = join(disk, 'data')
  const postgresLog: string[] = []
  const postgres = await startPostgres({ dataDir, port, log: (line) => postgresLog.push(line), fast: true })
  stop = () => postgres.stop()
  const url = await ensureDatabase(postgres.url, 'octopod')
  await runMigrations(url)
  const system = await startSystem({ env: { DATABASE_URL: url } })
  stop = async () => {
    await system.stop()
    await postgres.stop()
  }
  const octopod = createApiClient(system.url)
  const gate = join(system.dir, 'gate')
  const running = getActionId(await octopod.create('running', { 'behave.create': `flood ${gate}` }))
  await waitFor('the script runs', async () => {
    const { text } = await octopod.api('GET', `/log/${running}`)
    return { done: text.includes('waiting to flood'), value: null }
  })

  fill()
  // Larger than the free space inside the database files, and random, so that it cannot be compressed.
  const big = () =>
    Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`k${at}`, randomBytes(45_000).toString('hex')]))
  let created = 0
  const rejected = await waitFor('the disk is full', async () => {
    const reply = await octopod.create(`big-${created}`, big())
    if (reply.status === 200) created += 1
    return { done: reply.status !== 200, value: reply, seen: reply.status }
  })
  assert.equal(rejected.status, 503)
  assert.match(rejected.text, /disk of the database is full/)
  assert.ok(rejected.headers.get('retry-after'))
  assert.equal((await octopod.api('GET', `/deployments/big-${created}/full_info`)).status, 404)
  const ready = await octopod.call('GET', '/readyz')
  assert.deepEqual(
    [ready.status, ready.body],
    [200, { status: 'degraded', postgres: 'full', redis: 'ok', stopping: false }],
  )
  assert.equal((await octopod.api('GET', '/deployments')).status, 200)

  // The script ends while the disk is full: its output is rejected until there is space.
  const before = postgresLog.length
  await writeFile(gate, '')
  await waitFor('the script has ended, and its output was rejected', async () => {
    const rejectedWrites = postgresLog
      .slice(before)
      .filter((line) => line.includes('insert into action_output'))
    const scripts = findScriptProcesses('running').length
    return {
      done: scripts === 0 && rejectedWrites.length > 1,
      value: null,
      seen: [scripts, postgresLog.slice(-4)],
    }
  })
  assert.equal(((await octopod.api('GET', `/actions/${running}`)).body as Action).state, 'running')
  rmSync(filler)
  await waitFor('changes are accepted again', async () => {
    const reply = await octopod.create('after')
    return { done: reply.status === 200, value: null, seen: reply.text }
  })
  assert.equal((await octopod.waitForActionEnd(running)).state, 'succeeded')
  const { text } = await octopod.api('GET', `/log/${running}`)
  assert.ok(text.length > 400_000, 'all output printed while the disk was full')
  assert.match(text, /create of running done/)
})
