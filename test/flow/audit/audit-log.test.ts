/** The audit log over HTTP: accepted changes, refusals, sign-ins, tokens, policy, reads of output, and who sees what. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import {
  type AuditEntry,
  type AuditPage,
  auditEntry,
  auditPage,
} from '../../../domain/audit/audit-schemas.ts'
import { delay } from '../../../lib/delay.ts'
import { createApiClient, getActionId, overrides } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { connectWebSocket } from '../../helpers/websocket-client.ts'
import { withDatabase } from '../../helpers/with-database.ts'

const policy = `version: 1
rules:
  - { proxy_group: platform, role: admin }
  - { proxy_group: shop, role: developer, names: [shop-*] }
  - { proxy_group: lookers, role: viewer }
`

let system: System
let dir: string
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'octopod-audit-'))
  await writeFile(join(dir, 'policy.yaml'), policy)
  system = await startSystem({
    env: {
      OCTOPOD_POLICY: join(dir, 'policy.yaml'),
      ACTOR_HEADER: 'X-Person',
      GROUPS_HEADER: 'X-Groups',
      TRUSTED_PROXIES: '127.0.0.1',
      ANONYMOUS_ROLE: 'none',
      ARCHIVE_RETENTION: '0',
    },
  })
})
after(async () => {
  await system?.stop()
  await rm(dir, { recursive: true, force: true })
})

/** A client that the proxy has signed in. */
function as(person: string, ...groups: string[]) {
  const { api } = createApiClient(system.url, null)
  return (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    api(method, path, body, { 'X-Person': person, 'X-Groups': groups.join(','), ...headers })
}
const ann = as.bind(null, 'ann', 'shop')
const viewer = as.bind(null, 'vic', 'lookers')
const admin = as.bind(null, 'dora', 'platform')

async function read(query: string, client = admin()): Promise<AuditEntry[]> {
  const { status, body, text } = await client('GET', `/audit?limit=500&${query}`)
  assert.equal(status, 200, text)
  return auditPage.parse(body satisfies unknown as AuditPage).entries
}
const describe = ({ operation, outcome, actor, deployment }: AuditEntry) =>
  `${actor} ${operation} ${deployment ?? '-'} ${outcome}`

async function whenEnded(actionId: number): Promise<void> {
  await waitFor(`action ${actionId} has ended`, async () => {
    const { body } = await admin()('GET', `/actions/${actionId}`)
    const { state } = body as { state: string }
    return { done: !['queued', 'running'].includes(state), value: null, seen: state }
  })
}

test('A deployment that is gone leaves who did what, with what changed, from where and why', async () => {
  const body = (tag: string) => ({
    app_overrides: overrides({ 'image.tag': tag, 'db.password': `TOPSECRET-${tag}` }),
    deployment_overrides: [],
  })
  const reason = { 'Octopod-Reason': 'a test', 'X-Request-Id': 'audit-1' }
  const created = await ann()('POST', '/deployments', { name: 'shop-1', ...body('v1') }, reason)
  assert.equal(created.status, 200, created.text)
  await whenEnded(getActionId(created))
  await waitFor('shop-1 runs', async () => {
    const { text } = await admin()('GET', '/deployments/shop-1/full_info')
    return { done: text.includes('"Running"'), value: null, seen: text }
  })
  const updated = await ann()('PUT', '/deployments/shop-1', body('v2'))
  await whenEnded(getActionId(updated))
  assert.equal((await admin()('DELETE', '/deployments/shop-1/delete')).status, 200)

  const entries = await read('deployment=shop-1', ann())
  assert.deepEqual(entries.map(describe), [
    'dora delete shop-1 accepted',
    'ann update shop-1 accepted',
    'ann create shop-1 accepted',
  ])
  const [, update, create] = entries
  assert.partialDeepStrictEqual(create, {
    action_id: getActionId(created),
    issuer: 'proxy',
    subject: 'ann',
    proof: 'proxy',
    reason: 'a test',
    request_id: 'audit-1',
    source: 'api',
    // Ann's own entry about a deployment; addresses are for admins.
    count: 1,
  })
  assert.deepEqual(update?.details.changes, [
    { level: 'application', key: 'db.password', before: { tag: 'masked' }, after: { tag: 'masked' } },
    {
      level: 'application',
      key: 'image.tag',
      before: { tag: 'value', text: 'v1' },
      after: { tag: 'value', text: 'v2' },
    },
  ])
  const asAdmin = await read('deployment=shop-1')
  assert.ok(asAdmin.every(({ address }) => address === '127.0.0.1'))
  const stored = await withDatabase(system.databaseUrl, (client) =>
    client.query('select * from audit_entries'),
  )
  assert.ok(!JSON.stringify(stored.rows).includes('TOPSECRET'))
})

test('A value of a key that is secret now is masked for readers without see_secrets', async () => {
  const details = {
    changes: [
      {
        level: 'application',
        key: 'db.password',
        before: null,
        after: { tag: 'value', text: 'TOPSECRET-old' },
      },
    ],
  }
  // As written before the key was marked.
  await withDatabase(system.databaseUrl, (client) =>
    client.query(
      `select insert_audit_entry('update', 'accepted', 'marked', null, null, 'shared', null, null, null, null, null, 'shop-m', null, 1, $1)`,
      [JSON.stringify(details)],
    ),
  )
  assert.deepEqual((await read('actor=marked'))[0]?.details, details)
  const [seen] = await read('actor=marked', ann())
  assert.deepEqual(seen?.details.changes?.[0]?.after, { tag: 'masked' })
  const [followed] = await follow(
    `?actor=marked&since=${new Date(Date.now() - 60_000).toISOString()}`,
    'ann',
    'shop',
    async () => {},
    (entries) => entries.length === 1,
  )
  assert.deepEqual(followed?.details.changes?.[0]?.after, { tag: 'masked' })
})

test('A refused request of a known caller has one entry before its answer', async () => {
  const created = await admin()('POST', '/deployments', {
    name: 'other-1',
    app_overrides: [],
    deployment_overrides: [],
  })
  const actionId = getActionId(created)
  assert.equal((await viewer()('DELETE', '/deployments/other-1')).status, 403)
  assert.equal((await ann()('DELETE', '/deployments/other-1')).status, 403)
  assert.equal((await ann()('GET', `/actions/${actionId}`)).status, 404)
  assert.equal((await ann()('POST', `/actions/${actionId}/cancel`)).status, 404)
  assert.equal((await ann()('GET', '/actions/99999999')).status, 404)
  assert.equal((await ann()('GET', '/policy')).status, 403)
  assert.deepEqual((await read('outcome=refused')).map(describe), [
    'ann read_policy - refused',
    'ann cancel other-1 refused',
    'ann read other-1 refused',
    'ann archive other-1 refused',
    'vic archive other-1 refused',
  ])
  const [, , hidden] = await read('outcome=refused')
  assert.equal(hidden?.action_id, actionId)
  // Ann does not learn from her entries that the action exists.
  assert.deepEqual((await read('outcome=refused', ann())).map(describe), ['ann read_policy - refused'])
})

test('A refusal by the owner in the transaction has an entry', async () => {
  const created = await admin()('POST', '/deployments', {
    name: 'shop-owned',
    app_overrides: [],
    deployment_overrides: [],
  })
  await whenEnded(getActionId(created))
  assert.equal((await ann()('DELETE', '/deployments/shop-owned')).status, 403)
  assert.deepEqual((await read('deployment=shop-owned&actor=ann')).map(describe), [
    'ann archive shop-owned refused',
  ])
})

test('A websocket of somebody without a role is refused with an entry', async () => {
  const headers = { 'X-Person': 'nora' }
  await assert.rejects(connectWebSocket(system.url, [], { headers }), /rejected: 403/)
  assert.deepEqual((await read('actor=nora')).map(describe), ['nora read - refused'])
})

test('A refusal that cannot be recorded is answered with 503', async () => {
  await withDatabase(system.databaseUrl, (client) =>
    client.query(`create function fail() returns trigger language plpgsql as 'begin raise exception ''no''; end';
      create trigger fail before insert on audit_entries for each row execute function fail()`),
  )
  try {
    const refused = await viewer()('DELETE', '/deployments/other-1')
    assert.equal(refused.status, 503, refused.text)
    assert.match(refused.text, /refused, but the audit log cannot be written/)
    // Nothing is accepted without its entry either.
    const body = { name: 'shop-unlogged', app_overrides: [], deployment_overrides: [] }
    assert.equal((await ann()('POST', '/deployments', body)).status, 500)
  } finally {
    await withDatabase(system.databaseUrl, (client) => client.query('drop trigger fail on audit_entries'))
  }
  assert.equal((await admin()('GET', '/deployments/shop-unlogged/full_info')).status, 404)
})

test('Output is recorded once for each reader, action and hour', async () => {
  const created = await ann()('POST', '/deployments', {
    name: 'shop-out',
    app_overrides: [],
    deployment_overrides: [],
  })
  const actionId = getActionId(created)
  await whenEnded(actionId)
  for (let times = 0; times < 3; times += 1) {
    assert.equal((await ann()('GET', `/actions/${actionId}/output`)).status, 200)
    assert.equal((await admin()('GET', `/log/${actionId}`)).status, 200)
  }
  assert.equal((await viewer()('GET', `/log/${actionId}`)).status, 403)
  const entries = (await read('operation=read_output')).filter((entry) => entry.action_id === actionId)
  assert.deepEqual(entries.map(describe).sort(), [
    'ann read_output shop-out accepted',
    'dora read_output shop-out accepted',
    'vic read_output - refused',
  ])
})

test('Access tokens and the policy are recorded, for admins and the person itself', async () => {
  const { body } = await ann()('POST', '/tokens', { label: 'ci', expires_in_days: 1 })
  const { token_id: id, token } = body as { token_id: number; token: string }
  assert.equal((await ann()('DELETE', `/tokens/${id}`)).status, 200)
  const byToken = createApiClient(system.url, null)
  assert.equal(
    (await byToken.api('GET', '/deployments', undefined, { Authorization: `Bearer ${token}` })).status,
    401,
  )
  const own = await read('actor=ann&since=2000-01-01T00:00:00Z', ann())
  assert.deepEqual(own.filter(({ operation }) => operation.endsWith('_token')).map(describe), [
    'ann revoke_token - accepted',
    'ann create_token - accepted',
  ])
  assert.ok(!JSON.stringify(own).includes(token))
  assert.deepEqual((await read('operation=create_token', viewer())).map(describe), [])
  await writeFile(join(dir, 'policy.yaml'), `${policy}  - { proxy_user: extra, role: viewer }\n`)
  const [entry] = await waitFor('the new policy is recorded', async () => {
    const entries = await read('operation=accept_policy')
    return { done: entries.length === 2, value: entries, seen: entries.map(describe) }
  })
  assert.deepEqual(entry?.details.added, ['  - { proxy_user: extra, role: viewer }'])
  assert.equal(entry?.proof, 'system')
})

test('A session by the admin header is recorded from its start to its end', async () => {
  const post = (path: string, headers: Record<string, string>) =>
    fetch(system.url + path, { method: 'POST', headers: { Origin: system.url, ...headers } })
  const started = await post('/auth/session', { Authorization: system.adminHeader })
  assert.equal(started.status, 200)
  const [cookie = ''] = (started.headers.get('set-cookie') ?? '').split(';')
  assert.equal((await post('/auth/logout', { Cookie: cookie })).status, 200)
  const entries = await read('actor=admin')
  assert.deepEqual(entries.map(describe), ['admin sign_out - accepted', 'admin sign_in - accepted'])
  assert.ok(entries.every(({ address, proof }) => address === '127.0.0.1' && proof === 'shared'))
})

test('Requests without a valid credential are counted by address, and written at the latest when the server ends', async () => {
  const server = await system.startServer()
  const { api } = createApiClient(server.url, 'Bearer wrong')
  for (let times = 0; times < 3; times += 1)
    assert.equal(
      (await api('GET', '/deployments', undefined, { 'X-Forwarded-For': '203.0.113.9' })).status,
      401,
    )
  await server.stop()
  const [entry, ...others] = (await read('operation=authenticate')).filter(
    ({ address }) => address === '203.0.113.9',
  )
  assert.equal(others.length, 0)
  assert.partialDeepStrictEqual(entry, { count: 3, outcome: 'refused', actor: 'unknown' })
})

test('A caller that is refused without end is limited, and every refusal has its entry', async () => {
  const flood = as('flo', 'lookers')
  const statuses = await Promise.all(
    Array.from({ length: 350 }, async () => (await flood('DELETE', '/deployments/other-1')).status),
  )
  assert.equal(statuses.filter((status) => status === 403).length, 300)
  assert.equal(statuses.filter((status) => status === 429).length, 50)
  assert.equal((await read('actor=flo')).length, 300)
})

/** The entries of a stream, until `isDone` holds. */
async function follow(
  path: string,
  person: string,
  groups: string,
  act: () => Promise<unknown>,
  isDone: (entries: readonly AuditEntry[]) => boolean,
): Promise<AuditEntry[]> {
  const abort = new AbortController()
  const response = await fetch(`${system.url}/api/v1/audit/stream${path}`, {
    headers: { 'X-Person': person, 'X-Groups': groups },
    signal: abort.signal,
  })
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'application/x-ndjson')
  const entries: AuditEntry[] = []
  const acted = act()
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!isDone(entries)) {
    const { done, value } = (await reader?.read()) ?? { done: true }
    assert.ok(!done, 'the stream has ended')
    const lines = (text + value).split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) if (line !== '') entries.push(auditEntry.parse(JSON.parse(line)))
  }
  await acted
  abort.abort()
  return entries
}

test('A stream brings new entries of what its reader sees, also those committed late, once', async () => {
  const write = (name: string, client: pg.Client) =>
    client.query(
      `select insert_audit_entry('update', 'accepted', 'streamer', null, null, 'shared', null, null, null, null, null, $1, null, 1, '{}')`,
      [name],
    )
  const act = () =>
    withDatabase(system.databaseUrl, async (late) => {
      await late.query('begin')
      await write('shop-late', late)
      await withDatabase(system.databaseUrl, async (client) => {
        for (const name of ['shop-s1', 'other-s', 'shop-s2']) await write(name, client)
      })
      await delay(2500)
      await late.query('commit')
    })
  const entries = await follow('?actor=streamer', 'ann', 'shop', act, (seen) => seen.length === 3)
  assert.deepEqual(
    entries.map(({ deployment }) => deployment),
    ['shop-s1', 'shop-s2', 'shop-late'],
  )
  const [first] = entries
  const again = await follow(
    `?actor=streamer&after=${first?.id}`,
    'ann',
    'shop',
    async () => {},
    (seen) => seen.length >= 2,
  )
  assert.deepEqual(again.map(({ deployment }) => deployment).sort(), ['shop-late', 'shop-s2'])
})

test('A stream passes entries that its reader does not see, more than one read compares', async () => {
  const since = new Date().toISOString()
  await withDatabase(system.databaseUrl, (client) =>
    client.query(`select insert_audit_entry('update', 'accepted', 'unseen', null, null, 'shared', null, null, null, null, null,
      case n when 7000 then 'shop-last' else 'other' end, null, 1, '{}') from generate_series(1, 7000) n`),
  )
  const act = () =>
    withDatabase(system.databaseUrl, (client) =>
      client.query(
        `select insert_audit_entry('update', 'accepted', 'unseen', null, null, 'shared', null, null, null, null, null, 'shop-new', null, 1, '{}')`,
      ),
    )
  const entries = await follow(
    `?actor=unseen&since=${since}`,
    'ann',
    'shop',
    act,
    (seen) => seen.length === 2,
  )
  assert.deepEqual(entries.map(({ deployment }) => deployment).sort(), ['shop-last', 'shop-new'])
})

test('A stream after an entry that is not there begins at `since`, and is refused without it', async () => {
  const since = new Date().toISOString()
  const unknown = await ann()('GET', '/audit/stream?after=999999999')
  assert.equal(unknown.status, 400)
  assert.match(unknown.text, /after: the audit log has no entry 999999999: .* Begin at a time with since/)
  await withDatabase(system.databaseUrl, (client) =>
    client.query(
      `select insert_audit_entry('update', 'accepted', 'fallback', null, null, 'shared', null, null, null, null, null, 'shop-f', null, 1, '{}')`,
    ),
  )
  const entries = await follow(
    `?actor=fallback&after=999999999&since=${since}`,
    'ann',
    'shop',
    async () => {},
    (seen) => seen.length === 1,
  )
  assert.equal(entries[0]?.deployment, 'shop-f')
})

test('A client that leaves while its stream is opened does not count as one any more', async () => {
  const headers = { 'X-Person': 'leaver', 'X-Groups': 'shop' }
  const open = (signal: AbortSignal) => fetch(`${system.url}/api/v1/audit/stream`, { headers, signal })
  await withDatabase(system.databaseUrl, async (client) => {
    for (let round = 0; round < 2; round += 1) {
      await client.query('begin')
      await client.query('lock table audit_entries in access exclusive mode')
      const abort = new AbortController()
      const opened = Array.from({ length: 6 }, () => open(abort.signal).catch(() => null))
      await waitFor('streams wait for the table', async () => {
        const { rows } = await client.query(
          `select count(*)::int as waiting from pg_locks where not granted and relation = 'audit_entries'::regclass`,
        )
        return { done: rows[0].waiting >= 1, value: null, seen: rows }
      })
      abort.abort()
      await Promise.all(opened)
      await delay(300)
      await client.query('rollback')
    }
  })
  const last = new AbortController()
  await waitFor('the streams are over', async () => {
    const { status } = await open(last.signal)
    return { done: status === 200, value: null, seen: status }
  })
  last.abort()
})

test('A stream begins at a time, in pages', async () => {
  const since = new Date().toISOString()
  await withDatabase(system.databaseUrl, (client) =>
    client.query(`select insert_audit_entry('update', 'accepted', 'many', null, null, 'shared', null, null, null, null, null, 'x' || n, null, 1, '{}')
      from generate_series(1, 1000) n`),
  )
  const entries = await follow(
    `?actor=many&since=${since}`,
    'dora',
    'platform',
    async () => {},
    (seen) => seen.length === 1000,
  )
  assert.equal(new Set(entries.map(({ id }) => id)).size, 1000)
})

test('A filter that PostgreSQL cannot read is 400, and any offset of a time is understood', async () => {
  for (const filter of [
    'since=0000-01-01T00:00:00Z',
    'until=0000-12-31T00:00:00Z',
    'since=0001-01-01T00:00:00%2B23:00',
    'actor=a%00b',
    'deployment=%00',
    'request%00=1',
  ]) {
    for (const path of filter.startsWith('until') ? ['/audit'] : ['/audit', '/audit/stream']) {
      const { status, text } = await admin()('GET', `${path}?${filter}`)
      assert.equal(status, 400, `${path}?${filter}: ${text}`)
    }
  }
  assert.ok((await read('actor=ann&since=2026-01-01T00:00:00%2B23:00')).length > 0)
  assert.deepEqual(await read('actor=ann&since=9999-12-31T00:00:00-23:59'), [])
})
