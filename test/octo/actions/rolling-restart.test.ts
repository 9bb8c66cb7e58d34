/** A rolling restart of the servers while octo waits, follows and watches: it goes on at another server silently. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient } from '../../helpers/api-client.ts'
import { startLoadBalancer } from '../../helpers/load-balancer.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { startOcto } from '../fake-server.ts'

let system: System
let client: ApiClient
before(async () => {
  system = await startSystem()
})
after(() => system.stop())

test('Waiting, following and watching survive a rolling restart of the servers', async (t) => {
  const second = await system.startServer()
  const servers = [system.url, second.url]
  const { url, close } = await startLoadBalancer(servers)
  t.after(close)
  client = createApiClient(second.url)
  await client.create('rolls')
  await client.waitForStatus('rolls', 'Running')
  const gate = join(system.dir, 'gate-rolls')
  const environment = { OCTOPOD_URL: url, OCTO_AUTHORIZATION_HEADER: system.adminHeader, OCTO_RETRIES: '3' }

  const watching = startOcto(environment, 'watch', '-o', 'jsonl', '--timeout', '50s')
  const args = ['update', '-n', 'rolls', '-e', `behave.update=wait ${gate}`, '--follow']
  const updating = startOcto(environment, ...args)
  await updating.waitUntil(({ stderr }) => stderr.includes('waiting'))
  const following = startOcto(environment, 'logs', '-n', 'rolls', '--follow')
  await following.waitUntil(({ stdout }) => stdout.includes('waiting'))

  // The first server stops and the second takes over. Then a third one starts and the second stops.
  await system.server.stop()
  const third = await system.startServer()
  servers.push(third.url)
  await second.stop()
  client = createApiClient(third.url)
  await writeFile(gate, '')

  const updated = await updating.ended
  assert.equal(updated.code, 0, updated.stderr)
  assert.match(
    updated.stderr,
    /^octo: warning: .* no key "behave\.update"\.\n(rolls: .*\n)*waiting.*\n(rolls: .*\n)*update of rolls done\n(rolls: .*\n)*$/,
  )
  const followed = await following.ended
  assert.deepEqual([followed.code, followed.stderr], [0, ''])
  assert.match(followed.stdout, /^waiting.*\nupdate of rolls done\n$/)

  await client.waitForStatus('rolls', 'Running')
  const { stdout, stderr } = await watching.waitUntil(
    ({ stdout: lines }) => lines.trim().split('\n').at(-1)?.includes('"state":"succeeded"') === true,
  )
  assert.equal(stderr, '')
  const revisions = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).revision)
  assert.deepEqual(
    revisions,
    [...new Set(revisions)].toSorted((one, other) => one - other),
  )
  watching.child.kill('SIGTERM')
  await watching.ended
})
