/** The logs of the running app: one run of the app_logs script for all readers. */
import assert from 'node:assert/strict'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { lineOf, openAnonymously, openAppLogs, readEnd, readLine, waitForNoScript } from './app-log-reader.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem({ env: { LEASE: '6', APP_LOGS_CONCURRENCY: '3' } })
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

const startsOf = async (name: string) =>
  (await system.scriptCalls('app_logs')).filter((call) => call.includes(name))

test('Readers at two servers share one run, which ends after the last one has left', async () => {
  const file = join(system.dir, 'shared-lines')
  await octopod.create('shared', { 'behave.app_logs': `lines ${file}` })
  const first = await openAppLogs(system.url, 'shared')
  assert.match(await readLine(first), /^arguments app_logs\t.*\t--tail\t200\t--follow of \d+$/)
  await appendFile(file, 'one\n')
  assert.equal(await readLine(first), 'one')

  // The second reader gets the lines so far, and both get the next one.
  const other = await system.startServer()
  const second = await openAppLogs(other.url, 'shared')
  assert.match(await readLine(second), /^arguments/)
  assert.equal(await readLine(second), 'one')
  await appendFile(file, 'two\n')
  assert.equal(await readLine(first), 'two')
  assert.equal(await readLine(second), 'two')
  assert.equal((await startsOf('shared')).length, 1)

  first.cancel()
  await appendFile(file, 'three\n')
  assert.equal(await readLine(second), 'three')
  second.cancel()
  await waitForNoScript('shared')
})

test('A reader goes on after the last line that it has', async () => {
  const file = join(system.dir, 'resumed-lines')
  await octopod.create('again', { 'behave.app_logs': `lines ${file}` })
  const stream = await openAppLogs(system.url, 'again')
  await readLine(stream)
  await appendFile(file, 'one\n')
  const { id } = await lineOf(stream)
  stream.cancel()
  await appendFile(file, 'two\n')
  const resumed = await openAppLogs(system.url, 'again', { 'Last-Event-ID': id })
  assert.deepEqual(JSON.parse((await resumed.next()).data), { state: 'starting', resumed: true })
  assert.equal(await readLine(resumed), 'two')
  assert.equal((await startsOf('again')).length, 1)
  resumed.cancel()
  await waitForNoScript('again')
})

test('A reader that joins gets as many of the last lines as it wants', async () => {
  const file = join(system.dir, 'tail-lines')
  await octopod.create('tailed', { 'behave.app_logs': `lines ${file}` })
  const first = await openAppLogs(system.url, 'tailed', {}, 'tail=2')
  await readLine(first)
  await appendFile(file, 'one\ntwo\nthree\n')
  for (const line of ['one', 'two', 'three']) assert.equal(await readLine(first), line)
  const second = await openAppLogs(system.url, 'tailed', {}, 'tail=2')
  assert.equal(await readLine(second), 'two')
  assert.equal(await readLine(second), 'three')
  first.cancel()
  second.cancel()
  await waitForNoScript('tailed')
})

test('A script that prints nothing is followed, and one that ends by itself ends the stream', async () => {
  await octopod.create('quiet', { 'behave.app_logs': 'wait /nowhere' })
  const stream = await openAppLogs(system.url, 'quiet')
  assert.match((await stream.next()).data, /starting/)
  assert.match((await stream.next()).data, /running/)
  stream.cancel()
  await octopod.create('printed', { 'behave.app_logs': 'print the only line' })
  const whole = await openAppLogs(system.url, 'printed', {}, 'follow=false&tail=7')
  assert.equal(await readLine(whole), 'the only line')
  assert.equal((await readEnd(whole)).reason, 'finished')
  const [call] = await startsOf('printed')
  assert.deepEqual(call?.slice(-2), ['--tail', '7'])
  await waitForNoScript('quiet')
})

test('A script that fails says why, with the last line of its standard error', async () => {
  await octopod.create('failing', { 'behave.app_logs': 'fail-with 3 starting\\nno pods are running' })
  const end = await readEnd(await openAppLogs(system.url, 'failing'))
  assert.equal(end.reason, 'failed')
  assert.match(end.message, /failed with exit code 3.*no pods are running$/s)
})

test('Secrets are masked, also in the message of a failure', async () => {
  await octopod.create('secretive', {
    'behave.app_logs': 'print token is sesame-street-77 and hunter22',
    'api.token': 'sesame-street-77',
  })
  const stream = await openAppLogs(system.url, 'secretive')
  assert.equal(await readLine(stream), 'token is *** and ***')
  await octopod.create('tells', {
    'behave.app_logs': 'fail cannot log in with sesame-street-77',
    'api.token': 'sesame-street-77',
  })
  const end = await readEnd(await openAppLogs(system.url, 'tells'))
  assert.match(end.message, /cannot log in with \*\*\*/)
})

test('A script that prints too fast loses lines and says how many, and ends although it never does', async () => {
  await octopod.create('flooded', { 'behave.app_logs': 'print-forever' })
  const stream = await openAppLogs(system.url, 'flooded')
  for (let seen = ''; !seen.includes('rate_limit'); ) seen = (await stream.next()).data
  stream.cancel()
  await waitForNoScript('flooded')
})

test('A script that ignores SIGTERM is killed after its last reader has left', async () => {
  await octopod.create('stubborn', { 'behave.app_logs': 'ignore-term' })
  const stream = await openAppLogs(system.url, 'stubborn')
  assert.equal(await readLine(stream), 'ignoring SIGTERM')
  stream.cancel()
  await waitForNoScript('stubborn')
})

test('A change of the config ends the run, and the next one receives the new config', async () => {
  const file = join(system.dir, 'changed-lines')
  await octopod.create('changed', { 'behave.app_logs': `lines ${file}` })
  await octopod.waitForStatus('changed', 'Running')
  const stream = await openAppLogs(system.url, 'changed')
  await readLine(stream)
  await octopod.update('changed', { 'behave.app_logs': 'print the new config' })
  assert.equal((await readEnd(stream)).reason, 'config_changed')
  const next = await openAppLogs(system.url, 'changed')
  assert.equal(await readLine(next), 'the new config')
})

test('When all places are taken, the answer says so and when to come again', async () => {
  const names = ['first', 'second']
  for (const name of [...names, 'third', 'fourth'])
    await octopod.create(name, { 'behave.app_logs': `lines ${join(system.dir, name)}` })
  const streams = await Promise.all(names.map((name) => openAppLogs(system.url, name)))
  const ofOneCaller = await octopod.api('GET', '/deployments/third/app_logs')
  assert.equal(ofOneCaller.status, 503, 'one caller leaves a place to others')
  streams.push(await openAnonymously(system.url, 'third'))
  names.push('third')
  const refused = await createApiClient(system.url, null).api('GET', '/deployments/fourth/app_logs')
  assert.equal(refused.status, 503)
  assert.match(refused.text, /app_logs_busy/)
  assert.equal(refused.headers.get('retry-after'), '10')
  for (const stream of streams) stream.cancel()
  for (const name of names) await waitForNoScript(name)
})

test('Readers who want other lines have at most two runs of a deployment at a runner', async () => {
  await octopod.create('twice', { 'behave.app_logs': `lines ${join(system.dir, 'twice')}` })
  const first = await openAppLogs(system.url, 'twice', {}, 'tail=1')
  const second = await openAnonymously(system.url, 'twice', 'tail=2')
  const refused = await octopod.api('GET', '/deployments/twice/app_logs?tail=3')
  assert.equal(refused.status, 503)
  assert.match(refused.text, /or this app twice with other lines/)
  const shared = await openAnonymously(system.url, 'twice', 'tail=1')
  for (const stream of [first, second, shared]) stream.cancel()
  await waitForNoScript('twice')
})

test('Unknown deployments and wrong parameters are refused', async () => {
  assert.equal((await octopod.api('GET', '/deployments/missing/app_logs')).status, 404)
  for (const query of ['tail=-1', 'tail=5001', 'tail=x', 'follow=maybe', 'since=1h'])
    assert.equal((await octopod.api('GET', `/deployments/printed/app_logs?${query}`)).status, 400, query)
})

test('whoami says that there are app logs, and the audit log says who has read them', async () => {
  const { body } = await octopod.api('GET', '/whoami')
  assert.equal((body as { has_app_logs: boolean }).has_app_logs, true)
  const audit = await octopod.api('GET', '/audit?deployment=printed')
  assert.match(audit.text, /"operation":"read_output"/)
})
