/** The commands about people, roles, owners and the policy, against a fake server and by file. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { suite, test } from 'node:test'
import { okFinding, toFinding } from '../../../domain/doctor/finding-codes.ts'
import { errorCodes } from '../../../domain/errors.ts'
import { fakeServer, runOcto, startOcto, success } from '../fake-server.ts'
import {
  accessToken,
  fullInfo,
  pause,
  policyState,
  session,
  summary,
  webhooks,
  whoami,
} from '../wire-fixtures.ts'

const ann = { issuer: 'https://login.example.com', subject: '00u1', name: 'Ann' }
const policyFile = 'test/octo/commands/policy.yaml'
const notFound = { status: 404, body: { tag: 'AppError', error_message: 'Not here.', code: 'not_found' } }
const forbidden = (message: string) => ({
  status: 403,
  body: { tag: 'AppError', error_message: message, code: 'forbidden' },
})

suite('access', { concurrency: 4 }, () => {
  test('whoami --claims shows subject, issuer, groups and each role with its rule', async (t) => {
    const known = whoami('developer', {
      ...ann,
      actor: 'Ann',
      proof: 'oidc',
      email: 'ann@example.com',
      groups: ['shop', 'qa'],
      claimed_actor: 'root',
      grants: [{ role: 'developer', names: ['shop-*'], rule: 'rule 2 of the policy: group shop is …' }],
    })
    const { url } = await fakeServer(t, { 'GET /api/v1/whoami': { body: known } })
    const { code, stdout } = await runOcto({ OCTOPOD_URL: url }, 'whoami', '--claims')
    assert.equal(code, 0)
    assert.equal(
      stdout,
      `Who:          Ann
Proof:        signed in
Claims to be: root
Subject:      00u1
Issuer:       https://login.example.com
E-mail:       ann@example.com
Groups:       shop, qa
Role:         developer
Output:       may be read
Owners:       deployments of others are theirs
Source:       octo
URL:          ${url}

Roles, which all count together:
  developer for shop-*: rule 2 of the policy: group shop is …
`,
    )
    const record = JSON.parse(
      (await runOcto({ OCTOPOD_URL: url }, 'whoami', '--claims', '-o', 'json')).stdout,
    )
    assert.deepEqual(record, { ...known, url })
  })

  test('policy check lists the rules of a valid file, and needs no server', async () => {
    const expected = `1  group platform is admin of *
2  group shop is developer of shop-*, pr-*
People whom no rule matches are viewer of all deployments.
CI jobs are trusted by the first rule that matches their ID token:
1  tokens of https://token.actions.githubusercontent.com for https://octopod.example.com with repository_id 456, event_name pull_request: developer of pr-\${pull_request}
`
    assert.deepEqual(await runOcto({}, 'policy', 'check', policyFile), {
      code: 0,
      stdout: expected,
      stderr: '',
    })
    const fromStdin = startOcto({}, 'policy', 'check', '-')
    fromStdin.child.stdin?.end(await readFile(policyFile))
    assert.equal((await fromStdin.ended).stdout, expected)
  })

  test('policy check prints each problem with its line, exit code 2', async () => {
    const started = startOcto({}, 'policy', 'check', '-', '-o', 'json')
    started.child.stdin?.end('version: 1\nrules:\n  - { group: a, role: king }\n  - { role: viewer }\n')
    const { code, stdout, stderr } = await started.ended
    assert.equal(code, 2)
    assert.match(stderr, /^octo: The policy is no valid policy\.\nline 3: rules\.0\.role: /)
    assert.match(stderr, /\nline 4: rules\.1: A rule names exactly one of group, subject/)
    assert.equal(JSON.parse(stdout).problems.length, 2)
    const missing = await runOcto({}, 'policy', 'check', '/nonexistent.yaml')
    assert.equal(missing.code, 2)
    assert.match(missing.stderr, /policy check cannot read \/nonexistent\.yaml: the file does not exist/)
  })

  test('policy show prints the rules in use, and why the present file is rejected', async (t) => {
    let body: Record<string, unknown> = policyState
    const { url } = await fakeServer(t, { 'GET /api/v1/policy': () => ({ body }) })
    const show = async () => (await runOcto({ OCTOPOD_URL: url }, 'policy', 'show')).stdout
    assert.equal(
      await show(),
      `/etc/octopod/policy.yaml, accepted at 2026-03-01T10:00:00Z
1  proxy group shop is admin of *
People whom no rule matches have no role.
`,
    )
    body = { ...policyState, problems: ['line 3: rules: bad'] }
    assert.match(await show(), /The present file is rejected, .*:\n {2}line 3: rules: bad\n$/)
    body = { ...policyState, file: null, default_role: 'developer', rules: [] }
    assert.match(await show(), /OCTOPOD_POLICY is not set.*\nEverybody who signs in is developer/)
  })

  test('policy explain asks about a person with groups; exit code 6 when it is not allowed', async (t) => {
    const grants = [{ role: 'viewer', names: ['*'], rule: 'default_role of the policy' }]
    const fake = await fakeServer(t, {
      'GET /api/v1/policy/explain': ({ query }) => ({
        body: { allowed: query.includes('group='), message: 'Ann may: because.', grants },
      }),
    })
    const explain = (...args: string[]) => runOcto({ OCTOPOD_URL: fake.url }, 'policy', 'explain', ...args)
    const refused = await explain('--right', 'archive', '--name', 'pr-7')
    assert.equal(refused.code, 6)
    assert.match(refused.stdout, /^Not allowed: Ann may: because\.\n.*\n {2}viewer for \*: default_role/)
    assert.equal(fake.requests.at(-1)?.query, 'right=archive&name=pr-7')
    const groups = ['--group', 'a b', '--group', 'c,d']
    assert.equal((await explain('--as', 'ann', ...groups, '--right', 'delete')).code, 0)
    assert.equal(fake.requests.at(-1)?.query, 'right=delete&as=ann&group=a+b&group=c%2Cd')
    assert.match((await explain('--right', 'archve')).stderr, /--right needs one of .*Did you mean archive\?/)
    assert.match((await explain('--right', 'read', '--group', 'a')).stderr, /--group needs --as/)
    assert.match((await runOcto({}, 'policy')).stderr, /^octo: policy needs one of check, explain, show\./)
  })

  test('owner shows and changes the owner', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments/feature-1/full_info': { body: fullInfo('feature-1', { owner: ann }) },
      'PUT /api/v1/deployments/feature-1/owner': success,
    })
    const owner = (...args: string[]) => runOcto({ OCTOPOD_URL: fake.url }, 'owner', ...args)
    const shown = { code: 0, stdout: 'Ann (00u1 of https://login.example.com)\n', stderr: '' }
    assert.deepEqual(await owner('feature-1'), shown)
    assert.deepEqual(await owner('-n', 'feature-1'), shown)
    assert.deepEqual(await owner('feature-1', 'ann@example.com'), { code: 0, stdout: '', stderr: '' })
    assert.deepEqual(fake.requests.at(-1)?.body, { owner: 'ann@example.com' })
    assert.ok(fake.requests.at(-1)?.headers['idempotency-key'])
    await owner('-n', 'feature-1', 'ben')
    assert.deepEqual(fake.requests.at(-1)?.body, { owner: 'ben' })
    await owner('feature-1', '--none')
    assert.deepEqual(fake.requests.at(-1)?.body, { owner: null })
    for (const [args, expected] of [
      [[], /owner needs NAME/],
      [['feature-1', 'ann', '--none'], /PERSON or --none, not both/],
      [['-n', 'feature-1', 'ann', 'ben'], /NAME or -n NAME, not both/],
      [['feature-1', 'ann', 'ben'], /unexpected argument "ben"/],
      [['feature-1', ' '], /PERSON is empty/],
    ] as const) {
      const { code, stderr } = await owner(...args)
      assert.equal(code, 2)
      assert.match(stderr, expected)
    }
  })

  test('list --mine prints only own deployments; a table and info show the owner', async (t) => {
    const other = { ...ann, issuer: 'https://other.example.com' }
    const mine = fullInfo('mine-1', { owner: ann })
    let known = whoami('developer', ann)
    const { url } = await fakeServer(t, {
      'GET /api/v1/deployments': { body: [mine, fullInfo('other-1', { owner: other }), fullInfo('free-1')] },
      'GET /api/v1/deployments/mine-1/full_info': { body: mine },
      'GET /api/v1/deployments/mine-1/info': { body: [{ ...fullInfo('mine-1'), logs: [] }] },
      'GET /api/v1/whoami': () => ({ body: known }),
    })
    const run = (...args: string[]) => runOcto({ OCTOPOD_URL: url }, ...args)
    assert.equal((await run('list', '--mine')).stdout, 'mine-1\n')
    const table = (await run('list', '--mine', '-o', 'table')).stdout
    assert.match(table, /^NAME .* OWNER .*\nmine-1 .* Ann /)
    assert.match((await run('info', '-n', 'mine-1')).stdout, /\nOwner: Ann \(00u1 of https:/)
    known = whoami('admin', { issuer: null, subject: null, actor: 'admin', proof: 'shared' })
    const shared = await run('list', '--mine')
    assert.equal(shared.code, 5)
    assert.match(shared.stderr, /knows you as admin, which is no person and owns nothing/)
    assert.ok(shared.stderr.includes(`${url}/docs/sign-in.html`))
  })

  test('A claimed name is shown as claimed, and who cancelled an action is shown', async (t) => {
    const action = (action_id: number, extra: Record<string, unknown>) => ({
      ...summary,
      action_id,
      deployment: 'x1',
      app_overrides: [],
      deployment_overrides: [],
      state: 'succeeded',
      ...extra,
    })
    const { url } = await fakeServer(t, {
      'GET /api/v1/deployments/x1/actions': {
        body: [
          action(5, { actor: 'Ann', proof: 'oidc', claimed_actor: 'root' }),
          action(4, { actor: 'user', proof: 'shared', claimed_actor: 'ceo' }),
          action(3, { actor: 'ceo', proof: 'claimed', claimed_actor: null }),
          action(2, { actor: 'anonymous', proof: 'anonymous', claimed_actor: null }),
          action(1, { state: 'cancelled', cancelled_by: 'ben (name not proved)' }),
        ],
      },
    })
    const table = await runOcto({ OCTOPOD_URL: url }, 'actions', '-n', 'x1', '-o', 'table')
    const rows = table.stdout.split('\n').map((line) => line.split(/ {2,}/))
    const who = rows[0]?.indexOf('WHO') ?? -1
    assert.deepEqual(
      rows.slice(1, 5).map((row) => row[who]),
      ['Ann', 'user (claims to be ceo)', 'ceo (name not proved)', 'anonymous'],
    )
    assert.equal(rows[5]?.at(-1), 'cancelled by ben (name not proved)')
    const framed = await runOcto({ OCTOPOD_URL: url }, 'actions', '-n', 'x1')
    assert.match(framed.stdout, /user \(claims to be ceo\)/)
  })

  test('doctor says who the caller is and why, and reports a rejected policy', async (t) => {
    const routes = {
      'GET /api/v1/ping': { body: 'abc' },
      'GET /api/v1/whoami': { body: whoami('admin') },
      'GET /api/v1/policy': { body: { ...policyState, problems: ['line 3: rules: bad'] } },
      'GET /api/v1/deployment_names': { body: [] },
      'GET /api/v1/storage': notFound,
    }
    const { url } = await fakeServer(t, routes)
    const { stdout } = await runOcto({ OCTOPOD_URL: url }, 'doctor')
    assert.match(
      stdout,
      /\nok {6}identity {4}ann, signed in at the proxy, role admin of \* in project p by rule 1/,
    )
    assert.match(
      stdout,
      /\nbad {5}policy {6}the present .* is rejected, .*: line 3: rules: bad\n {20}Correct the file/,
    )
    const stranger = await fakeServer(t, { ...routes, 'GET /api/v1/whoami': { body: whoami(null) } })
    const refused = await runOcto({ OCTOPOD_URL: stranger.url }, 'doctor')
    assert.equal(refused.code, 6)
    assert.match(refused.stdout, /\nbad {5}identity {4}ann, .*, has no role in project p\n {20}Ask an admin/)
    const viewer = { ...routes, 'GET /api/v1/policy': forbidden('No.') }
    const shown = await runOcto({ OCTOPOD_URL: (await fakeServer(t, viewer)).url }, 'doctor')
    assert.match(shown.stdout, /\nskipped {1}policy {6}only admins may read the policy\n/)
  })

  test('doctor shows what the servers find, with a link each, and fails after an error', async (t) => {
    const findings = [
      okFinding('postgresql', 'version 16.4'),
      toFinding('redis_eviction', 'maxmemory-policy is allkeys-lru.'),
      toFinding('versions_differ', 'v1 at a; v2 at b.'),
      okFinding('history', 'small'),
    ]
    const routes = {
      'GET /api/v1/ping': { body: 'abc' },
      'GET /api/v1/whoami': { body: whoami('admin') },
      'GET /api/v1/policy': { body: policyState },
      'GET /api/v1/deployment_names': { body: [] },
      'GET /api/v1/storage': notFound,
      'GET /api/v1/doctor': { body: { findings } },
    }
    const { url } = await fakeServer(t, routes)
    const { stdout } = await runOcto({ OCTOPOD_URL: url }, 'doctor')
    assert.match(stdout, /\nok {6}postgresql {2}version 16\.4\n/)
    assert.match(stdout, /\nbad {5}redis {7}maxmemory-policy is allkeys-lru\.\n {20}Set maxmemory-policy/)
    assert.ok(stdout.includes(`\n${' '.repeat(20)}${url}/docs/doctor.html#redis_eviction\n`))
    assert.match(stdout, /\nwarning {1}servers {5}v1 at a; v2 at b\.\n/)
    assert.doesNotMatch(stdout, /^ok +history +small/m, 'octo has checked the history itself')
    const json = await runOcto({ OCTOPOD_URL: url }, 'doctor', '-o', 'json')
    const redis = JSON.parse(json.stdout).find(({ check }: { check: string }) => check === 'redis')
    assert.deepEqual([redis.result, redis.kind, redis.code], ['bad', 'failed', 'redis_eviction'])
    const away = { ...routes, 'GET /api/v1/ping': { status: 503, body: { code: 'service_unavailable' } } }
    const broken = await runOcto(
      { OCTOPOD_URL: (await fakeServer(t, away)).url, OCTO_RETRIES: '0' },
      'doctor',
    )
    assert.match(broken.stdout, /\nbad {5}server .*[\s\S]*\nbad {5}redis /)
    assert.equal(broken.code, 7)
    const refused = { ...routes, 'GET /api/v1/doctor': forbidden('No.') }
    const shown = await runOcto({ OCTOPOD_URL: (await fakeServer(t, refused)).url }, 'doctor')
    assert.match(
      shown.stdout,
      /\nskipped {1}doctor {6}only admins of all names may see what the servers find\n/,
    )
  })

  test('A refusal is shown as the server sends it, exit code 6', async (t) => {
    const message = 'Ben may not archive this deployment: Ann owns x1.'
    const { url } = await fakeServer(t, { 'DELETE /api/v1/deployments/x1': forbidden(message) })
    const { code, stderr } = await runOcto({ OCTOPOD_URL: url }, 'archive', '-n', 'x1')
    assert.deepEqual([code, stderr], [6, `octo: ${message}\n${errorCodes.forbidden.remedy}\n`])
  })

  test('sessions lists and ends sessions', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/sessions': { body: [session] },
      'DELETE /api/v1/sessions/7': success,
    })
    const run = (...args: string[]) => runOcto({ OCTOPOD_URL: fake.url }, 'sessions', ...args)
    assert.match((await run('--all')).stdout, /^ID .*\n7 {3}Ann {2}signed in /)
    assert.equal(fake.requests.at(-1)?.query, 'all=true')
    assert.deepEqual(await run('end', '7'), { code: 0, stdout: '', stderr: '' })
    assert.equal((await run('end', 'x')).code, 2)
  })

  test('pause, resume and pauses say what is paused, until when and why', async (t) => {
    const bodies: unknown[] = []
    const fake = await fakeServer(t, {
      'GET /api/v1/pauses': { body: [pause] },
      'PUT /api/v1/pauses/checks': ({ body }) => {
        bodies.push(body)
        return { body: pause }
      },
      'DELETE /api/v1/pauses/checks': success,
    })
    const run = (...args: string[]) => runOcto({ OCTOPOD_URL: fake.url }, ...args)
    assert.match(
      (await run('pauses')).stdout,
      /^WHAT .*\nchecks +2026-03-01T10:00:00Z +2026-03-01T12:00:00Z +ann +cluster upgrade\n$/,
    )
    const started = await run('pause', 'checks', '--reason', ' cluster upgrade ', '--for', '1d2h')
    assert.equal(started.code, 0)
    assert.match(
      started.stderr,
      /Health checks are paused until 2026-03-01T12:00:00Z\. Only a deployment that/,
    )
    await run('pause', 'checks', '--reason', 'x', '--until', '2026-03-01T18:00+02:00')
    await run('pause', 'checks', '--reason', 'y', '--replace')
    assert.deepEqual(bodies, [
      { reason: 'cluster upgrade', for_seconds: 93_600 },
      { reason: 'x', until: '2026-03-01T16:00:00.000Z' },
      { reason: 'y', replace: true },
    ])
    assert.deepEqual(await run('resume', 'checks'), { code: 0, stdout: '', stderr: '' })
    for (const args of [
      ['pause', 'chekcs', '--reason', 'x'],
      ['pause', 'checks'],
      ['pause', 'checks', '--reason', ' '],
      ['pause', 'checks', '--reason', 'a\u202eb'],
      ['pause', 'checks', '--reason', 'x', '--for', 'soon'],
      ['pause', 'checks', '--reason', 'x', '--for', '1h', '--until', '2026-03-01'],
      ['resume', 'everything'],
    ])
      assert.equal((await run(...args)).code, 2, args.join(' '))
  })

  test('webhooks lists what waits and what was given up, and sends it again', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/webhooks': { body: webhooks },
      'POST /api/v1/webhooks/deliveries/12/resend': success,
    })
    const run = (...args: string[]) => runOcto({ OCTOPOD_URL: fake.url }, 'webhooks', ...args)
    assert.match(
      (await run()).stdout,
      /^NAME .*\nci +standard +ci\.example\.com +1 +1 +It answered with 502\.\n/,
    )
    assert.match((await run('--failed')).stdout, /^ID .*\n12 +ci +feature-1 +UpdatePending → GenericFailure /)
    assert.deepEqual(await run('resend', '12'), { code: 0, stdout: '', stderr: '' })
    assert.equal((await run('resend')).code, 2)
  })

  test('token creates, lists and revokes access tokens; only the new token goes to standard output', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/tokens': { body: [accessToken] },
      'POST /api/v1/tokens': { body: { ...accessToken, token: 'octopod_pat_secret' } },
      'DELETE /api/v1/tokens/12': success,
    })
    const run = (...args: string[]) => runOcto({ OCTOPOD_URL: fake.url }, 'token', ...args)
    const created = await run(
      'create',
      '--label',
      'previews',
      '--role',
      'developer',
      '--names',
      'pr-*',
      '--days',
      '7',
    )
    assert.deepEqual([created.code, created.stdout], [0, 'octopod_pat_secret\n'])
    assert.match(created.stderr, /It acts as Ann until 2026-05-30\. It is shown only now: store it\./)
    assert.deepEqual(fake.requests.at(-1)?.body, {
      label: 'previews',
      expires_in_days: 7,
      role: 'developer',
      names: ['pr-*'],
    })
    assert.match(
      (await run('list', '--all')).stdout,
      /^ID .*\n12 {2}Ann {2}previews {2}developer {2}pr-\* {3}valid /,
    )
    assert.deepEqual(await run('revoke', '12'), { code: 0, stdout: '', stderr: '' })
    for (const wrong of [
      ['create'],
      ['create', '--label', 'x', '--role', 'boss'],
      ['create', '--label', 'x', '--service', 'deployer'],
      ['create', '--label', 'x', '--days', 'soon'],
      ['revoke', 'x'],
    ])
      assert.equal((await run(...wrong)).code, 2, wrong.join(' '))
  })
})
