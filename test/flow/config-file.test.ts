/** Control scripts with `config: file`, on a real runner: which scripts get the file, what is in it, and what is left. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { scriptNames } from '../../domain/script.ts'
import { createApiClient, getActionId } from '../helpers/api-client.ts'
import { findChildProcesses } from '../helpers/find-processes.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'

/**
 * Every script appends a line with its name, arguments, environment and config to the file `calls`. The values of the keys
 * `large-…` are only counted.
 */
const script = `#!/usr/bin/env node
import { appendFileSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
const name = basename(process.argv[1])
const { OCTOPOD_CONFIG_FILE: path, OCTOPOD_TEST_DIR: dir } = process.env
const config = path === undefined ? null : JSON.parse(readFileSync(path, 'utf8'))
let largeBytes = 0
for (const level of Object.keys(config ?? {}))
  config[level] = config[level].filter(([key, value]) => {
    if (key.startsWith('large-')) largeBytes += value.length
    return !key.startsWith('large-')
  })
const visible = JSON.stringify([process.argv, process.env])
appendFileSync(join(dir, 'calls'), JSON.stringify({ name, config, largeBytes, visible }) + '\\n')
const values = new Map(config?.application)
if (name === 'deployment_config') console.log('db.password,TOPSECRET-d')
if (name === 'application_config') console.log('image.tag,v1')
if (name === 'deployment_config' || name === 'application_config')
  for (let index = 0; index < 9; index += 1) console.log('large-' + name + index + ',' + 'x'.repeat(90_000))
if (name === 'create') console.log('The password is ' + values.get('app.password'))
if (name === 'update') {
  console.log('waiting')
  setInterval(() => {}, 1000)
}
`
type Call = {
  name: string
  config: { application: [string, string][]; deployment: [string, string][] } | null
  largeBytes: number
  visible: string
}

let scripts: string
let temporaryFolder: string
let system: System

before(async () => {
  scripts = await mkdtemp(join(tmpdir(), 'octopod-config-scripts-'))
  temporaryFolder = await mkdtemp(join(tmpdir(), 'octopod-config-tmp-'))
  await writeFile(join(scripts, 'package.json'), '{"type":"module"}')
  await writeFile(join(scripts, 'all'), script, { mode: 0o755 })
  for (const name of scriptNames) await symlink(join(scripts, 'all'), join(scripts, name))
  await writeFile(join(scripts, 'octopod.yaml'), 'version: 1\nconfig: file\n')
  system = await startSystem({ scripts, env: { TMPDIR: temporaryFolder, LEASE: '5' } })
})
after(async () => {
  await system?.stop()
  for (const folder of [scripts, temporaryFolder]) await rm(folder, { recursive: true, force: true })
})

async function readCalls(): Promise<Call[]> {
  const text = await readFile(join(system.dir, 'calls'), 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

const leftovers = async () =>
  (await readdir(temporaryFolder)).filter((name) => name.startsWith('octopod-config.'))

test('Each script gets the config that it would get as arguments, and no value is in arguments or environment', async () => {
  const octopod = createApiClient(system.url)
  const created = await octopod.create('filed', { 'app.password': 'TOPSECRET-a' })
  const action = await octopod.waitForActionEnd(getActionId(created))
  assert.equal(action.state, 'succeeded')
  await octopod.waitForStatus('filed', 'Running')

  const calls = await waitFor('notifications ran', async () => {
    const value = await readCalls()
    return { done: value.some(({ name }) => name === 'notifications'), value, seen: String(value.length) }
  })
  for (const { name, visible } of calls) assert.doesNotMatch(visible, /TOPSECRET/, name)
  const configOf = (name: string) => calls.findLast((call) => call.name === name)?.config
  const deployment = [['db.password', 'TOPSECRET-d']]
  for (const name of ['config_check', 'info', 'create', 'check'])
    assert.deepEqual(
      configOf(name),
      {
        application: [
          ['image.tag', 'v1'],
          ['app.password', 'TOPSECRET-a'],
        ],
        deployment,
      },
      name,
    )
  assert.deepEqual(configOf('application_config'), { application: [], deployment })
  for (const name of ['init', 'deployment_config', 'notifications']) assert.equal(configOf(name), null, name)

  const { body } = await octopod.api('GET', `/log/${getActionId(created)}`)
  assert.deepEqual((body as { stdout: unknown }).stdout, { un_stdout: 'The password is ***\n' })
  await waitFor('no config file is left', async () => {
    const left = await leftovers()
    return { done: left.length === 0, value: null, seen: String(left) }
  })
})

test('A config that is too long for the arguments of a program works', async () => {
  const octopod = createApiClient(system.url)
  // With the defaults of both levels it exceeds the 2 MiB of Linux; a request can have 1 MiB.
  const app = Object.fromEntries(
    Array.from({ length: 9 }, (_, index) => [`large-${index}`, 'x'.repeat(90_000)]),
  )
  const created = await octopod.create('large', app)
  assert.equal(created.status, 200, created.text)
  assert.equal((await octopod.waitForActionEnd(getActionId(created))).state, 'succeeded')
  const call = (await readCalls()).findLast(({ name }) => name === 'create')
  assert.equal(call?.largeBytes, 27 * 90_000)
})

test('After kill -9 of runner and watchdog the next runner removes the config file', async () => {
  const octopod = createApiClient(system.url)
  const runner = await system.startRunner()
  const other = system.runner
  await other.stop()
  const updated = await octopod.update('filed', { 'app.password': 'TOPSECRET-b' })
  await waitFor('update runs', async () => {
    const { body } = await octopod.api('GET', `/log/${getActionId(updated)}`)
    return { done: JSON.stringify(body).includes('waiting'), value: null, seen: JSON.stringify(body) }
  })
  assert.equal((await leftovers()).length, 1)
  const watchdogs = findChildProcesses(runner.pid, 'watchdog.sh')
  runner.signal('SIGSTOP')
  for (const pid of watchdogs) process.kill(pid, 'SIGKILL')
  runner.signal('SIGKILL')
  await runner.exited
  assert.equal((await leftovers()).length, 1)
  await system.startRunner()
  await waitFor('the config file is removed', async () => {
    const left = await leftovers()
    return { done: left.length === 0, value: null, seen: String(left) }
  })
})
