/** octo against a complete Octopod: actions, waiting, output, retries, comparisons, and every exit code. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, suite, test } from 'node:test'
import type { Action } from '../../../domain/schemas.ts'
import { type ApiClient, createApiClient, getActionId } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { runOcto, startOcto } from '../fake-server.ts'

let system: System
let client: ApiClient
const userHeader = 'Bearer the-users'
const environmentFor = (authorization: string) => ({
  OCTOPOD_URL: system.url,
  OCTO_AUTHORIZATION_HEADER: authorization,
})
const runAsAdmin = (...args: string[]) =>
  runOcto({ ...environmentFor(system.adminHeader), USER: 'ann' }, ...args)
const json = async (...args: string[]) => JSON.parse((await runAsAdmin(...args, '-o', 'json')).stdout)

before(async () => {
  system = await startSystem({ env: { APP_AUTHORIZATION_HEADER: userHeader, OUTPUT_READERS: 'admin' } })
  client = createApiClient(system.url)
})
after(() => system.stop())

/** Creates a deployment and waits until it is Running. The application config decides how its scripts behave. */
async function createRunning(name: string, app: Record<string, string> = {}): Promise<void> {
  await client.create(name, app)
  await client.waitForStatus(name, 'Running')
}

suite('octo against a complete Octopod', { concurrency: 4 }, () => {
  test('create --wait ends when the deployment runs and prints its state', async () => {
    const result = await runAsAdmin('create', '-n', 'waits', '-e', 'image.tag=v2', '--wait', '-o', 'json')
    assert.equal(result.code, 0, result.stderr)
    const { action_id, ...record } = JSON.parse(result.stdout)
    assert.deepEqual(record, {
      name: 'waits',
      action: 'create',
      state: 'succeeded',
      status: 'Running',
      links: [{ name: 'app', link: 'https://waits.example.com' }],
    })
    assert.ok(action_id > 0)
    assert.match(result.stderr, /^(waits: CreatePending, .*\n)*waits: Running\n$/)
  })

  test('apply creates, updates what differs, and changes nothing when it runs again', async () => {
    const file = join(system.dir, 'deployments.yaml')
    const apply = async (text: string, ...args: string[]) => {
      await writeFile(file, text)
      return runAsAdmin('apply', '-f', file, '-q', ...args)
    }
    const both = 'name: apply-1\nlabels: {team: shop}\napp: {image.tag: v1}\n---\nname: apply-2\n'
    const first = await apply(both, '--wait')
    assert.equal(first.code, 0, first.stderr)
    assert.match(first.stdout, /^apply-1 created \(action \d+\)\napply-2 created \(action \d+\)\n$/)
    assert.deepEqual(await apply(both), {
      code: 0,
      stdout: 'apply-1 unchanged\napply-2 unchanged\n',
      stderr: '',
    })
    const changed = await apply('name: apply-1\nlabels: {team: web}\napp: {image.tag: v2}\n', '--wait')
    assert.equal(changed.code, 0, changed.stderr)
    const { labels, deployment } = await json('info', 'apply-1')
    assert.deepEqual(labels, { team: 'web' })
    assert.deepEqual(deployment.app_overrides, [['image.tag', { tag: 'ValueAdded', contents: 'v2' }]])
    const failed = await apply('name: apply-2\napp: {behave.update: exit 3}\n', '--wait')
    assert.equal(failed.code, 1, failed.stderr)
    assert.match(failed.stderr, /update \(action \d+\) failed/)
  })

  test('--quiet prints no progress, and without -o stdout is empty', async () => {
    assert.deepEqual(await runAsAdmin('create', '-n', 'quiet', '--wait', '-q'), {
      code: 0,
      stdout: '',
      stderr: '',
    })
  })

  test('--follow prints the output of the script on stderr', async () => {
    const result = await runAsAdmin('create', '-n', 'follows', '--follow', '-q', '-o', 'name')
    assert.deepEqual(result, { code: 0, stdout: 'follows\n', stderr: 'create of follows done\n' })
  })

  test('Exit code 1: a failed script; retry starts an update', async () => {
    const result = await runAsAdmin(
      'create',
      '-n',
      'fails',
      '-e',
      'behave.create=exit 3',
      '--wait',
      '-o',
      'json',
    )
    assert.equal(result.code, 1)
    assert.match(
      result.stderr,
      /octo: create \(action \d+\) failed.* with exit code 3\.\nSee its output: octo logs -a \d+\. Try again: octo retry -n fails\n$/,
    )
    assert.equal(JSON.parse(result.stdout).state, 'failed')
    const again = await runAsAdmin('retry', '-n', 'fails', '--wait')
    assert.equal(again.code, 0, again.stderr)
    assert.match(again.stderr, /create \(action \d+\) failed: starting update\./)
    const [update] = await client.actions('fails')
    assert.deepEqual(update?.app_overrides, [['behave.create', { tag: 'ValueAdded', contents: 'exit 3' }]])
    const nothing = await runAsAdmin('retry', '-n', 'fails')
    assert.equal(nothing.code, 5)
    assert.match(nothing.stderr, /succeeded\.\nThere is nothing to retry\./)
  })

  test('Exit code 1: a failed check after a successful script', async () => {
    await createRunning('unwell')
    await writeFile(join(system.dir, 'check-unwell'), '2\n')
    assert.equal((await runAsAdmin('status', '-n', 'unwell')).code, 1)
    await client.waitForStatus('unwell', 'PartialAvailability')
    const result = await runAsAdmin('wait', '-n', 'unwell')
    assert.equal(result.code, 1)
    assert.match(
      result.stderr,
      /Deployment unwell is PartialAvailability\. The check script failed with exit code 2\.\n/,
    )
    await writeFile(join(system.dir, 'check-unwell'), '0\n')
    const healed = await runAsAdmin('status', '-n', 'unwell', '-o', 'json')
    assert.deepEqual([healed.code, JSON.parse(healed.stdout).check], [0, 'Ok'])
  })

  test('Exit codes 3 and 4: a wait times out, and a wait for a cancelled action fails', async () => {
    await createRunning('hangs')
    const actionId = getActionId(await client.update('hangs', { 'behave.update': 'hang' }))
    await waitFor('the script is running', async () => {
      const [action] = await client.actions('hangs')
      return { done: action?.state === 'running', value: action, seen: action }
    })
    const late = await runAsAdmin('wait', '-n', 'hangs', '--timeout', '1s')
    assert.equal(late.code, 3)
    assert.match(
      late.stderr,
      /hangs did not become Running in time \(action \d+ is running\)\.\nNothing was cancelled\./,
    )
    // By its id, because the cancel may end it before this wait has looked at the deployment.
    const waiting = runAsAdmin('wait', '-a', String(actionId))
    const cancelled = await runAsAdmin('cancel', '-n', 'hangs', '--wait')
    assert.deepEqual(cancelled, {
      code: 0,
      stdout: '',
      stderr: `octo: update (action ${actionId}) of hangs: the cancel is accepted.\n`,
    })
    const { code, stderr } = await waiting
    assert.deepEqual(
      [code, /update \(action \d+\) was cancelled by ann \(name not proved\)\./.test(stderr)],
      [4, true],
      stderr,
    )
  })

  test('Exit code 5: a deployment that is busy, missing, or in the wrong status', async () => {
    await createRunning('busy')
    await client.update('busy', { 'behave.update': 'hang' })
    for (const args of [
      ['update', '-n', 'busy', '--wait'],
      ['restore', '-n', 'busy'],
      ['create', '-n', 'busy'],
      ['archive', '-n', 'nowhere', '--wait'],
    ]) {
      const result = await runAsAdmin(...args)
      assert.equal(result.code, 5, args.join(' '))
      assert.equal(result.stdout, '')
    }
    assert.equal((await runAsAdmin('cancel', '-n', 'busy')).code, 0)
  })

  test('Exit code 6: a wrong credential, or one without permission', async () => {
    await createRunning('guarded')
    const user = await runOcto(environmentFor(userHeader), 'delete', '-n', 'guarded')
    assert.equal(user.code, 6)
    assert.match(user.stderr, /The role admin may delete the record of this deployment/)
    assert.equal((await runOcto(environmentFor('Bearer wrong'), 'list')).code, 6)
    const follow = await runOcto(environmentFor(userHeader), 'update', '-n', 'guarded', '--follow')
    assert.equal(follow.code, 0)
    assert.match(follow.stderr, /This credential may not read output; waiting without it\./)
  })

  test('archive, create --or-update and cleanup with --wait', async () => {
    await createRunning('returns', { stored: 'yes' })
    assert.equal((await json('archive', '-n', 'returns', '--wait')).status, 'Archived')
    assert.equal((await runAsAdmin('wait', '-n', 'returns', '--for', 'running')).code, 1)
    const back = await runAsAdmin(
      'create',
      '-n',
      'returns',
      '--or-update',
      '-e',
      'image.tag=v5',
      '--wait',
      '-o',
      'json',
    )
    assert.equal(back.code, 0, back.stderr)
    assert.equal(JSON.parse(back.stdout).status, 'Running')
    const { deployment } = await client.fullInfo('returns')
    assert.deepEqual(
      deployment.app_overrides.map(([key]) => key),
      ['stored', 'image.tag'],
    )
    assert.equal((await runAsAdmin('archive', '-n', 'returns', '--wait')).code, 0)
    const gone = await json('cleanup', '-n', 'returns', '--wait')
    assert.deepEqual([gone.state, gone.status], ['succeeded', 'gone'])
    assert.equal((await runAsAdmin('wait', '-n', 'returns', '--for', 'gone')).code, 0)
  })

  test('A command that is repeated with its idempotency key takes effect once', async () => {
    const once = ['create', '-n', 'once', '--or-update', '-e', 'a=1', '--idempotency-key', 'run-7', '--wait']
    const [first, second] = [await json(...once), await json(...once)]
    assert.equal(second.action_id, first.action_id)
    const third = ['create', '-n', 'once', '--or-update', '-e', 'a=2', '--idempotency-key', 'run-8', '--wait']
    const [update, again] = [await json(...third), await json(...third)]
    assert.deepEqual([update.action, again.action_id], ['update', update.action_id])
    assert.equal((await client.actions('once')).length, 2)
    // Another user changes another key in between.
    assert.equal((await runAsAdmin('update', '-n', 'once', '-e', 'b=1', '--wait')).code, 0)
    assert.equal((await json(...third)).action_id, update.action_id)
    const other = await runAsAdmin('update', '-n', 'once', '-e', 'a=3', '--idempotency-key', 'run-8/update')
    assert.equal(other.code, 5, 'a key belongs to one command line')
  })

  test('The server stores actor, source and reason with the action', async () => {
    const ci = {
      ...environmentFor(system.adminHeader),
      GITHUB_ACTIONS: 'true',
      GITHUB_ACTOR: 'bob',
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_REPOSITORY: 'o/r',
      GITHUB_RUN_ID: '9',
    }
    await runOcto(ci, 'create', '-n', 'records', '--wait', '-q')
    await runAsAdmin('update', '-n', 'records', '--reason', 'Größe 2: 50 %', '--wait', '-q')
    const actions: Action[] = await json('actions', '-n', 'records')
    assert.deepEqual(
      actions.map(({ actor, claimed_actor, source, reason }) => [actor, claimed_actor, source, reason]),
      [
        ['admin', 'ann', 'octo', 'Größe 2: 50 %'],
        ['admin', 'bob', 'ci', 'GitHub Actions: https://github.com/o/r/actions/runs/9'],
      ],
    )
  })

  test('logs --follow prints output while it is written', async () => {
    await createRunning('talks')
    const gate = join(system.dir, 'gate-talks')
    await client.update('talks', { 'behave.update': `wait ${gate}` })
    const following = startOcto(environmentFor(system.adminHeader), 'logs', '-n', 'talks', '--follow')
    await following.waitUntil(({ stdout }) => stdout.startsWith('waiting'))
    await writeFile(gate, '')
    const { code, stdout, stderr } = await following.ended
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^waiting.*\nupdate of talks done\n$/)
    const [{ action_id } = { action_id: 0 }] = await client.actions('talks')
    const lines = (await runAsAdmin('logs', '-a', String(action_id), '-o', 'jsonl')).stdout.trim().split('\n')
    assert.equal(lines.map((line) => JSON.parse(line).text).join(''), stdout)
    assert.equal((await json('logs', '-a', String(action_id), '-l', 'stderr')).length, 0)
    assert.equal((await runAsAdmin('wait', '-a', String(action_id))).code, 0)
  })

  test('A value of -e is literal, and a value from a file or stdin arrives unchanged', async () => {
    const [overrides, motd] = [join(system.dir, 'overrides.yaml'), join(system.dir, 'motd.txt')]
    await writeFile(
      overrides,
      'app:\n  version: 1.10\n  image: { tag: v7 }\n  debug: null\ndeployment:\n  region: us\n',
    )
    await writeFile(motd, '\ufeff two\r\nlines\n\n')
    const args = [
      '-f',
      overrides,
      '--set-app-config-file',
      `motd=${motd}`,
      '--set-deployment-config-file',
      `script=${motd}`,
      '-e',
      'at=@home',
      '-e',
      'image.tag=v8',
      '--set-app-config-file',
      'in=-',
    ]
    const run = startOcto(environmentFor(system.adminHeader), 'create', '-n', 'files', ...args)
    run.child.stdin?.end('from stdin\n')
    assert.equal((await run.ended).code, 0)
    const { deployment } = await client.fullInfo('files')
    assert.deepEqual(deployment.app_overrides, [
      ['version', { tag: 'ValueAdded', contents: '1.10' }],
      ['image.tag', { tag: 'ValueAdded', contents: 'v8' }],
      ['debug', { tag: 'ValueDeleted' }],
      ['at', { tag: 'ValueAdded', contents: '@home' }],
      ['motd', { tag: 'ValueAdded', contents: '\ufeff two\r\nlines\n\n' }],
      ['in', { tag: 'ValueAdded', contents: 'from stdin\n' }],
    ])
    assert.deepEqual(deployment.deployment_overrides, [
      ['region', { tag: 'ValueAdded', contents: 'us' }],
      ['script', { tag: 'ValueAdded', contents: '\ufeff two\r\nlines\n\n' }],
    ])
  })

  test('config and diff print config and differences', async () => {
    await createRunning('plain')
    await client.create('other', { 'image.tag': 'v9', extra: 'x' })
    assert.deepEqual(await json('config'), {
      deployment: { region: 'eu', 'db.password': 'hunter22' },
      app: { 'image.tag': 'v1', replicas: '2' },
    })
    assert.equal(
      (await runAsAdmin('config', '--keys', '-o', 'name')).stdout,
      'region\ndb.password\nimage.tag\nreplicas\n',
    )
    assert.equal((await runAsAdmin('config', '-n', 'other')).stdout.split('\n').at(-2), '  extra=x')
    const changed = '+ app extra=x\n- app image.tag=v1\n+ app image.tag=v9\n'
    assert.equal((await runAsAdmin('diff', '-n', 'other')).stdout, changed)
    assert.equal((await runAsAdmin('diff', '-n', 'plain', '-n', 'other')).stdout, changed)
    assert.deepEqual(await runAsAdmin('diff', '-n', 'plain', '--exit-code'), {
      code: 0,
      stdout: '',
      stderr: '',
    })
    assert.equal((await runAsAdmin('diff', '-n', 'other', '--exit-code')).code, 1)
    const ids = [...(await client.actions('plain')), ...(await client.actions('other'))].map(
      ({ action_id }) => action_id,
    )
    const rows = (await runAsAdmin('diff', '-a', String(ids[0]), '-a', String(ids[1]), '-o', 'table')).stdout
    assert.match(rows, /^LEVEL +KEY +FROM +TO\napp +extra +- +x\napp +image\.tag +- +v9\n$/)
  })

  test('list, info and open in several formats', async () => {
    await createRunning('shown')
    assert.ok(
      (await json('list')).some(
        ({ deployment }: { deployment: { name: string } }) => deployment.name === 'shown',
      ),
    )
    assert.match(
      (await runAsAdmin('list', '-o', 'table')).stdout,
      /^NAME +STATUS +LAST ACTION +WHO +OWNER +LABELS +UPDATED +LINK\n/,
    )
    assert.match(
      (await runAsAdmin('info', '-n', 'shown', '-o', 'yaml')).stdout,
      /^deployment:\n {2}name: shown\n/,
    )
    assert.equal((await runAsAdmin('info', '-n', 'shown', '-o', 'name')).stdout, 'shown\n')
    assert.equal((await runAsAdmin('open', '-n', 'shown')).stdout, 'https://shown.example.com\n')
    const none = await runAsAdmin('open', '-n', 'shown', '--link', 'nope')
    assert.deepEqual(
      [none.code, none.stderr],
      [5, 'octo: Deployment shown has no link "nope".\nIts links: app.\n'],
    )
  })

  test('whoami, ping and doctor, which finds a proxy that buffers', async (t) => {
    const { role, actor, claimed_actor, source, project } = await json('whoami')
    assert.deepEqual([role, actor, claimed_actor, source], ['admin', 'admin', 'ann', 'octo'])
    assert.ok(project)
    assert.equal((await runOcto({ OCTOPOD_URL: system.url }, 'ping')).code, 0)
    await createRunning('examined')
    const doctor = await runAsAdmin('doctor')
    assert.equal(doctor.code, 0, doctor.stdout)
    for (const check of [
      'settings',
      'server',
      'credential',
      'identity',
      'clock',
      'websocket',
      'stream',
      'history',
    ])
      assert.match(doctor.stdout, new RegExp(`^ok +${check} `, 'm'))
    for (const subject of ['servers', 'runners', 'postgresql', 'redis', 'scripts', 'access'])
      assert.match(doctor.stdout, new RegExp(`^(ok|warning) +${subject} `, 'm'))
    const buffering = await startBufferingProxy(system.url)
    t.after(() => buffering.close())
    const buffered = await runOcto(
      { ...environmentFor(system.adminHeader), OCTOPOD_URL: buffering.url },
      'doctor',
    )
    assert.match(buffered.stdout, /^bad +stream +the output stream sent nothing within 6 s/m)
    assert.match(
      buffered.stdout,
      /pass text\/event-stream without buffering\.\n {20}http.*\/docs\/doctor\.html#stream_buffered\n/,
    )
    assert.equal(buffered.code, 7, buffered.stdout)
    const wrong = await runOcto(environmentFor('Bearer wrong'), 'doctor', '-o', 'json')
    assert.equal(wrong.code, 6)
    assert.equal(JSON.parse(wrong.stdout).at(-1).result, 'bad')
    assert.equal((await runOcto({ OCTOPOD_URL: 'http://127.0.0.1:1' }, 'doctor')).code, 7)
    assert.equal((await runOcto({}, 'doctor')).code, 2)
  })

  test('doctor and whoami say that a credential is not recognized where the server lets everyone in', async () => {
    const open = await system.startServer({ APP_AUTHORIZATION_HEADER: '', ANONYMOUS_ROLE: 'developer' })
    const environment = { OCTOPOD_URL: open.url, OCTO_AUTHORIZATION_HEADER: 'Bearer mistyped' }
    const doctor = await runOcto(environment, 'doctor')
    assert.match(
      doctor.stdout,
      /^bad +credential +the server does not recognize the value of OCTO_AUTHORIZATION_HEADER, so it has no effect\n.*\n^ok +identity +anonymous.*, not signed in, role developer of \* /m,
    )
    assert.equal(doctor.code, 6)
    const whoami = await runOcto(environment, 'whoami', '-o', 'json')
    const expected =
      'octo: the server does not recognize the value of OCTO_AUTHORIZATION_HEADER, so it has no effect.\n'
    assert.deepEqual([whoami.code, whoami.stderr], [0, expected])
    assert.equal(JSON.parse(whoami.stdout).credential_recognized, false)
    const right = { OCTOPOD_URL: open.url, OCTO_AUTHORIZATION_HEADER: system.adminHeader }
    assert.equal((await runOcto(right, 'whoami')).stderr, '')
    assert.equal((await runOcto({ OCTOPOD_URL: open.url }, 'whoami')).stderr, '')
    assert.match(
      (await runOcto(right, 'doctor')).stdout,
      /^ok +identity +admin, shared credential, role admin of \* .* by POWER_AUTHORIZATION_HEADER/m,
    )
  })

  test('watch prints every change', async () => {
    const watching = startOcto(
      environmentFor(system.adminHeader),
      'watch',
      '-n',
      'watched',
      '-o',
      'jsonl',
      '--timeout',
      '12s',
    )
    await client.create('watched')
    await client.waitForStatus('watched', 'Running')
    const seen = await watching.waitUntil(({ stdout }) => stdout.includes('"Running"'))
    const events = seen.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.ok(events.every(({ name }) => name === 'watched'))
    const revisions = events.map(({ revision }) => revision)
    assert.deepEqual(
      revisions,
      revisions.toSorted((one, other) => one - other),
    )
    await client.api('DELETE', '/deployments/watched/delete')
    await watching.waitUntil(({ stdout }) => stdout.includes('"deleted"'))
    watching.child.kill('SIGTERM')
    await watching.ended
  })
})

/** Passes websockets on at once, and every answer only when it is complete. */
async function startBufferingProxy(serverUrl: string) {
  const { hostname, port } = new URL(serverUrl)
  const forward = ({ method, url, headers }: IncomingMessage) => ({
    hostname,
    port,
    method,
    path: url,
    headers,
  })
  const proxy = createServer((incoming, outgoing) => {
    const onward = request(forward(incoming), async (answer) => {
      const body = await text(answer).catch(() => null)
      if (body === null) outgoing.destroy()
      else outgoing.writeHead(answer.statusCode ?? 0, answer.headers).end(body)
    })
    onward.on('error', () => outgoing.destroy())
    outgoing.on('close', () => onward.destroy())
    incoming.pipe(onward)
  })
  proxy.on('upgrade', (incoming, socket: Socket) => {
    const onward = request(forward(incoming)).end()
    onward.on('upgrade', (answer, upstream) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}\r\n`)
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`)
      upstream.pipe(socket).pipe(upstream)
      for (const end of [socket, upstream]) end.on('error', () => end.destroy())
      socket.on('close', () => upstream.destroy())
    })
    onward.on('error', () => socket.destroy())
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    close: () => {
      proxy.closeAllConnections()
      proxy.close()
    },
  }
}
