/** The heartbeat file of a runner, and the liveness probe that reads it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'

const probe = fileURLToPath(new URL('../../runner/liveness-probe.sh', import.meta.url))
const isAlive = (file: string | undefined, ...args: string[]): boolean =>
  spawnSync('sh', [probe, ...args], { env: { PATH: process.env.PATH, HEARTBEAT_FILE: file } }).status === 0

test('A runner is alive from when it is ready until it exits, also during its shutdown', async () => {
  const system = await startSystem({ runner: false, env: { SHUTDOWN_GRACE: '60' } })
  try {
    const file = join(system.dir, 'heartbeat')
    assert.ok(!isAlive(file))
    const runner = await system.startRunner({ HEARTBEAT_FILE: file })
    await waitFor('the first heartbeat', async () => ({ done: isAlive(file), value: null }))

    const continueFile = join(system.dir, 'continue')
    await system.setBehavior('create', `wait ${continueFile}`)
    const created = await fetch(`${system.url}/api/v1/deployments`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: 'beating', app_overrides: [], deployment_overrides: [] }),
    })
    assert.equal(created.status, 200)
    await waitFor('the script runs', async () => ({
      done: (await system.scriptCalls('create')).length > 0,
      value: null,
    }))
    const ended = runner.stop()
    await waitFor('the shutdown', async () => ({
      done: runner.lines.some((line) => line.includes('shutdown')),
      value: null,
    }))
    assert.ok(isAlive(file))
    writeFileSync(continueFile, '')
    assert.equal(await ended, 0)
    assert.ok(!existsSync(file))
  } finally {
    await system.stop()
  }
})

test('A runner whose heartbeat is too old is not alive', async () => {
  const system = await startSystem({ runner: false })
  try {
    const file = join(system.dir, 'heartbeat')
    writeFileSync(file, '')
    const secondsAgo = (seconds: number) => new Date(Date.now() - seconds * 1000)
    utimesSync(file, secondsAgo(20), secondsAgo(20))
    assert.ok(isAlive(file))
    assert.ok(!isAlive(file, '10'))
    utimesSync(file, secondsAgo(40), secondsAgo(40))
    assert.ok(!isAlive(file))
    assert.ok(isAlive(file, '60'))
  } finally {
    await system.stop()
  }
})

test('The probe of a runner without a heartbeat file fails with a message', () => {
  const { status, stderr } = spawnSync('sh', [probe], { env: { PATH: process.env.PATH }, encoding: 'utf8' })
  assert.notEqual(status, 0)
  assert.match(stderr, /HEARTBEAT_FILE/)
})
