/** The heart of a runner, and the script by which probes feel it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '../helpers/eventually.ts'
import { startSystem } from '../helpers/system.ts'

const script = fileURLToPath(new URL('../../runner/alive.sh', import.meta.url))
const alive = (file: string | undefined, ...args: string[]): boolean =>
  spawnSync('sh', [script, ...args], { env: { PATH: process.env.PATH, HEARTBEAT_FILE: file } }).status === 0

test('a runner is alive from when it is ready until it has ended, and while it is stopping', async () => {
  const system = await startSystem({ runner: false, env: { SHUTDOWN_GRACE: '60' } })
  try {
    const file = join(system.dir, 'heartbeat')
    assert.ok(!alive(file))
    const runner = await system.startRunner({ HEARTBEAT_FILE: file })
    await eventually('the heart beats', async () => ({ done: alive(file), value: null }))

    const goOn = join(system.dir, 'go-on')
    await system.behave('create', `wait ${goOn}`)
    const created = await fetch(`${system.url}/api/v1/deployments`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: 'beating', app_overrides: [], deployment_overrides: [] }),
    })
    assert.equal(created.status, 200)
    await eventually('the script runs', async () => ({
      done: (await system.calls('create')).length > 0,
      value: null,
    }))
    const ended = runner.stop()
    await eventually('it is stopping', async () => ({
      done: runner.lines.some((line) => line.includes('stopping')),
      value: null,
    }))
    assert.ok(alive(file))
    writeFileSync(goOn, '')
    assert.equal(await ended, 0)
    assert.ok(!existsSync(file))
  } finally {
    await system.stop()
  }
})

test('a heart that stands still counts as dead', async () => {
  const system = await startSystem({ runner: false })
  try {
    const file = join(system.dir, 'heartbeat')
    writeFileSync(file, '')
    const before = (seconds: number) => new Date(Date.now() - seconds * 1000)
    utimesSync(file, before(20), before(20))
    assert.ok(alive(file))
    assert.ok(!alive(file, '10'))
    utimesSync(file, before(40), before(40))
    assert.ok(!alive(file))
    assert.ok(alive(file, '60'))
  } finally {
    await system.stop()
  }
})

test('a probe of a runner that tells nobody that it lives fails with words', () => {
  const { status, stderr } = spawnSync('sh', [script], { env: { PATH: process.env.PATH }, encoding: 'utf8' })
  assert.notEqual(status, 0)
  assert.match(stderr, /HEARTBEAT_FILE/)
})
