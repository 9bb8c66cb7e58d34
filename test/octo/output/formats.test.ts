/** Every command in every output format: -o json, jsonl, table, name and yaml. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { normalizeArgs } from '../../../octo/cli/normalize-args.ts'
import { createCli } from '../../../octo/cli/option-metadata.ts'
import { formats } from '../../../octo/output/formatter.ts'
import { commands } from '../../../octo/registry.ts'
import { fakeServer, success } from '../fake-server.ts'
import {
  accessToken,
  auditEntry,
  auditVerification,
  fullInfo,
  pause,
  policyState,
  session,
  summary,
  webhooks,
  whoami,
} from '../wire-fixtures.ts'

const accepted = { ...success, headers: { 'octopod-action-id': '7' } }
const action = {
  ...summary,
  state: 'failed',
  deployment: 'x1',
  failure: null,
  app_overrides: [],
  deployment_overrides: [],
}
const at = '2026-03-01T10:00:00.000Z'
const x1 = fullInfo('x1', { last_action: { ...summary, state: 'failed' } })

const startFakeServer = (t: TestContext) =>
  fakeServer(t, {
    'GET /api/v1/deployments': { body: [x1] },
    'POST /api/v1/deployments': accepted,
    'PUT /api/v1/deployments/x1': accepted,
    'DELETE /api/v1/deployments/x1': accepted,
    'PATCH /api/v1/deployments/x1/restore': accepted,
    'DELETE /api/v1/deployments/x1/cleanup': accepted,
    'DELETE /api/v1/deployments/x1/delete': success,
    'POST /api/v1/deployments/x1/stop_waiting': success,
    'POST /api/v1/deployments/x1/rollback': accepted,
    'POST /api/v1/deployments/x1/clone': accepted,
    'GET /api/v1/deployments/x1/full_info': { body: x1 },
    'GET /api/v1/deployments/x1/status': { body: { status: 'Ok' } },
    'GET /api/v1/deployments/x1/actions': { body: [action] },
    'GET /api/v1/actions/7': { body: action },
    'POST /api/v1/actions/7/cancel': success,
    'GET /api/v1/actions/7/output': ({ query }) => ({
      body: {
        chunks: query.startsWith('after=0') ? [{ seq: 1, stream: 'stdout', text: 'one\ntwo\n', at }] : [],
        done: true,
        state: 'failed',
      },
    }),
    'GET /api/v1/deployments/x1/app_logs': {
      type: 'text/event-stream',
      body: `id: run.1\nevent: line\ndata: ${JSON.stringify({ at, text: 'one' })}\n\nid: run.2\nevent: end\ndata: {"reason":"finished","message":""}\n\n`,
    },
    'GET /api/v1/deployment_overrides': { body: [['region', 'eu']] },
    'POST /api/v1/application_overrides': { body: [['replicas', '1']] },
    'GET /api/v1/whoami': {
      body: whoami('admin'),
    },
    'PUT /api/v1/deployments/x1/owner': success,
    'PATCH /api/v1/deployments/x1/labels': success,
    'POST /api/v1/bulk': {
      type: 'application/x-ndjson',
      body: '\n{"name":"x1","outcome":"accepted","action_id":7}\n',
    },
    'GET /api/v1/policy': { body: policyState },
    'GET /api/v1/policy/explain': { body: { allowed: true, message: 'ann may.', grants: [] } },
    'GET /api/v1/tokens': { body: [accessToken] },
    'POST /api/v1/tokens': { body: { ...accessToken, token: 'octopod_pat_secret' } },
    'DELETE /api/v1/tokens/12': success,
    'DELETE /api/v1/tokens/current': success,
    'POST /auth/device': {
      body: {
        device_code: 'd',
        user_code: 'BCDF-GHJK',
        verification_uri: 'https://octopod.example.com/device',
        expires_in: 600,
        interval: 1,
      },
    },
    'POST /auth/device/token': {
      body: {
        access_token: 'octopod_pat_x',
        token_type: 'Bearer',
        expires_in: 86_400,
        name: 'ann',
        role: 'admin',
      },
    },
    'GET /api/v1/audit': { body: { entries: [auditEntry], next_before: null } },
    'GET /api/v1/audit/verify': { body: auditVerification },
    'GET /api/v1/sessions': { body: [session] },
    'DELETE /api/v1/sessions/7': success,
    'GET /api/v1/pauses': { body: [pause] },
    'PUT /api/v1/pauses/checks': { body: pause },
    'DELETE /api/v1/pauses/checks': success,
    'GET /api/v1/webhooks': { body: webhooks },
    'POST /api/v1/webhooks/deliveries/12/resend': success,
    'GET /api/v1/ping': { body: 'abc' },
  })

/** Arguments of each command. */
const argsByCommand: Record<string, string[]> = {
  list: [],
  config: [],
  login: ['--no-browser'],
  logout: [],
  whoami: [],
  ping: [],
  version: [],
  api: ['GET', '/whoami'],
  apply: ['-f', 'test/octo/commands/deployments.yaml'],
  context: [],
  doctor: [],
  'context set': ['here', '--url', 'http://x'],
  'context use': ['here'],
  'context remove': ['here'],
  completion: ['bash'],
  cancel: ['-a', '7'],
  owner: ['x1', 'ann'],
  label: ['x1', 'team=shop'],
  set: ['x1', '-e', 'image.tag=v2'],
  rollback: ['x1', '--to', '7'],
  clone: ['x1', 'x2'],
  'policy check': ['test/octo/commands/policy.yaml'],
  'policy show': [],
  'policy explain': ['--right', 'archive'],
  'token create': ['--label', 'nightly job'],
  'token list': [],
  'token revoke': ['12'],
  audit: [],
  'audit verify': [],
  sessions: [],
  'sessions end': ['7'],
  webhooks: [],
  pauses: [],
  pause: ['checks', '--reason', 'cluster upgrade'],
  resume: ['checks'],
  'webhooks resend': ['12'],
  wait: ['-n', 'x1', '--for', 'archived', '--timeout', '0.3s'],
  watch: ['--timeout', '0.3s'],
}

/** Runs a command in this process, because hundreds of processes would take minutes. */
async function runInProcess(env: Record<string, string>, commandName: string, ...args: string[]) {
  const output = { stdout: '', stderr: '' }
  const collect = (name: 'stdout' | 'stderr') =>
    new Writable({
      write: (bytes, _, done) => {
        output[name] += bytes
        done()
      },
    })
  const loadCommand = commands[commandName]
  assert.ok(loadCommand)
  const context = { env, stdin: Readable.from([]), stdout: collect('stdout'), stderr: collect('stderr') }
  const command = await loadCommand()
  const normalizedArgs = [...commandName.split(' '), ...normalizeArgs(command, args)]
  const code = await createCli(command).run(normalizedArgs, context)
  return { code, ...output }
}

for (const command of Object.keys(commands))
  test(`octo ${command} -o FORMAT`, async (t) => {
    const { url } = await startFakeServer(t)
    const configHome = mkdtempSync(join(tmpdir(), 'octo-forms-'))
    t.after(() => rmSync(configHome, { recursive: true, force: true }))
    const env = { OCTOPOD_URL: url, XDG_CONFIG_HOME: configHome }
    for (const format of formats) {
      if (command.startsWith('context')) await runInProcess(env, 'context set', 'here', '--url', 'http://x')
      const { stdout, stderr } = await runInProcess(
        env,
        command,
        ...(argsByCommand[command] ?? ['-n', 'x1']),
        '-o',
        format,
      )
      assert.doesNotMatch(stderr, /bug in octo|no option/)
      assert.notEqual(stdout, '', `${format}: ${stderr}`)
      const lines = stdout.split('\n').slice(0, -1)
      if (format === 'json') JSON.parse(stdout)
      if (format === 'jsonl') for (const line of lines) JSON.parse(line)
      if (format === 'yaml') assert.equal(parseAllDocuments(stdout).length, 1)
      if (format === 'table' && command !== 'watch') assert.match(lines[0] ?? '', /^[A-Z]/)
      assert.ok(!stdout.includes('undefined'))
    }
  })

test('cancel, delete and open print their record', async (t) => {
  const { url } = await startFakeServer(t)
  const runAsJson = async (commandName: string, ...args: string[]) =>
    JSON.parse((await runInProcess({ OCTOPOD_URL: url }, commandName, ...args, '-o', 'json')).stdout)
  assert.equal((await runAsJson('cancel', '-a', '7')).state, 'failed')
  assert.equal((await runAsJson('delete', '-n', 'x1')).status, 'gone')
  assert.deepEqual(await runAsJson('open', '-n', 'x1'), { name: 'app', link: 'http://x1.localhost' })
})
