/** octo audit against a fake server. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createApiClient } from '../../../octo/api/client.ts'
import { readConnection } from '../../../octo/api/connection.ts'
import { followAudit } from '../../../octo/commands/audit/follow.ts'
import { fakeServer, runOcto, startOcto } from '../fake-server.ts'
import { auditEntry, auditVerification } from '../wire-fixtures.ts'

const page = (ids: readonly number[], next_before: number | null) => ({
  body: { entries: ids.map((id) => ({ ...auditEntry, id })), next_before },
})

suite('audit', { concurrency: 4 }, () => {
  test('audit prints entries as sentences, with how the name is proved', async (t) => {
    const claimed = {
      ...auditEntry,
      id: 30,
      actor: 'user',
      proof: 'shared',
      claimed_actor: 'maria\u001b[31m',
    }
    const refused = { ...auditEntry, id: 29, outcome: 'refused', details: { message: 'No.' }, reason: null }
    const { url } = await fakeServer(t, {
      'GET /api/v1/audit': { body: { entries: [auditEntry, claimed, refused], next_before: null } },
    })
    const { code, stdout } = await runOcto({ OCTOPOD_URL: url }, 'audit')
    assert.equal(code, 0)
    const sentence = 'updated shop: image.tag v1 to v2, db.password changed (secret)'
    assert.equal(
      stdout,
      `ID  TIME                  WHO                        WHAT                                                            WHY     SOURCE  ADDRESS
31  2026-03-01T10:00:00Z  Ann                        ${sentence}  try v2  page    203.0.113.7
30  2026-03-01T10:00:00Z  user (claims to be maria)  ${sentence}  try v2  page    203.0.113.7
29  2026-03-01T10:00:00Z  Ann                        was not allowed to update shop                                  -       page    203.0.113.7
`,
    )
  })

  test('audit sends its filters, and reads pages until it has enough or there are no more', async (t) => {
    const { url, requests } = await fakeServer(t, {
      'GET /api/v1/audit': ({ query }) => {
        const before = new URLSearchParams(query).get('before')
        // A page without a match is not the last one.
        return before === null ? page([9, 8], 8) : before === '8' ? page([], 5) : page([4, 3], null)
      },
    })
    const { stdout } = await runOcto(
      { OCTOPOD_URL: url },
      ...['audit', '--actor', 'Ann', '--deployment=shop', '--operation', 'update', '--outcome', 'accepted'],
      ...['--since', '2026-03-01', '--limit', '600', '-o', 'name'],
    )
    assert.equal(stdout, '9\n8\n4\n3\n')
    const filters =
      'actor=Ann&deployment=shop&operation=update&outcome=accepted&since=2026-03-01T00%3A00%3A00.000Z'
    assert.deepEqual(
      requests.map(({ query }) => query),
      [`${filters}&limit=500`, `${filters}&limit=500&before=8`, `${filters}&limit=500&before=5`],
    )
    const { stdout: first } = await runOcto({ OCTOPOD_URL: url }, 'audit', '--limit', '2', '-o', 'jsonl')
    assert.deepEqual(
      first
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).id),
      [9, 8],
    )
    assert.equal(requests.length, 4)
  })

  test('A wrong filter is named before a request', async () => {
    for (const [args, message] of [
      [['--since', 'yesterday'], /--since needs a duration such as 24h/],
      [['--operation', 'updte'], /--operation needs one of .*Did you mean update/],
      [['--outcome', 'denied'], /--outcome needs one of accepted, refused/],
      [['--limit', '0'], /--limit needs a whole number/],
    ] as const) {
      const { code, stderr } = await runOcto({ OCTOPOD_URL: 'http://127.0.0.1:1' }, 'audit', ...args)
      assert.equal(code, 2, stderr)
      assert.match(stderr, message)
    }
  })

  test('audit verify reads all pages, and names the head', async (t) => {
    const head = auditVerification.head.hash
    const { url, requests } = await fakeServer(t, {
      'GET /api/v1/audit/verify': ({ query }) => ({
        body: query.startsWith('after=0')
          ? { ...auditVerification, checked_seals: 500, next_after: 500, given_head_seal: 310 }
          : {
              ...auditVerification,
              given_head_seal: 310,
              removed_until: '2026-01-01T00:00:00.000Z',
              unsealed: { entries: 1, oldest_seconds: 90.4 },
            },
      }),
    })
    const { code, stdout, stderr } = await runOcto({ OCTOPOD_URL: url }, 'audit', 'verify', '--head', head)
    assert.equal(code, 0, stderr)
    assert.equal(
      stdout,
      `The audit log is complete and unchanged: 2414 entries in 810 seals.
Head: seal 310, ${head}
The given head is seal 310.
1 entry waits for a seal.
Entries before 2026-01-01T00:00:00Z were removed after AUDIT_RETENTION.
`,
    )
    assert.match(
      stderr,
      /500 seals verified\n810 seals verified\n.*1 entry waits for a seal, the oldest for 90 s/,
    )
    assert.deepEqual(
      requests.map(({ query }) => query),
      [`after=0&head=${head}`, `after=500&head=${head}`],
    )
  })

  test('audit verify says where the chain breaks, with exit code 1', async (t) => {
    const problems = [
      { kind: 'entries_changed', seal: 3, message: 'An entry of seal 3 was changed.', entry_ids: [7, 8] },
      { kind: 'head_unknown', seal: null, message: 'No seal has this head.', entry_ids: [] },
    ]
    const { url } = await fakeServer(t, {
      'GET /api/v1/audit/verify': { body: { ...auditVerification, problems } },
    })
    const human = await runOcto({ OCTOPOD_URL: url }, 'audit', 'verify', '--quiet')
    assert.equal(human.code, 1)
    assert.equal(human.stdout, '')
    assert.match(human.stderr, /The audit log has 2 problems in 310 seals/)
    assert.match(human.stderr, /entries_changed: An entry of seal 3 was changed. Entries: 7, 8/)
    assert.match(human.stderr, /head_unknown: No seal has this head/)
    const json = await runOcto({ OCTOPOD_URL: url }, 'audit', 'verify', '-o', 'json')
    assert.equal(json.code, 1)
    assert.deepEqual(JSON.parse(json.stdout).problems, problems)
    const wrong = await runOcto({ OCTOPOD_URL: url }, 'audit', 'verify', '--head', 'abc')
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /--head needs the hash of a seal/)
  })

  test('audit --follow prints the last entries, then each new one once, and connects again', async (t) => {
    const entry = (id: number) => ({ ...auditEntry, id, details: {}, deployment: `shop${id}` })
    const { url, requests } = await fakeServer(t, {
      'GET /api/v1/audit': { body: { entries: [entry(2), entry(1)], next_before: 1 } },
      'GET /api/v1/audit/stream': ({ query }) => ({
        type: 'application/x-ndjson',
        // The second connection repeats an entry.
        body: query.includes('after=2')
          ? `\n${JSON.stringify(entry(3))}\n{"id":`
          : query.includes('after=3')
            ? `\n${JSON.stringify(entry(3))}\n${JSON.stringify(entry(4))}\n`
            : '\n',
      }),
    })
    const octo = startOcto(
      { OCTOPOD_URL: url },
      ...['audit', '--follow', '--limit', '2', '--since', '7d', '--actor', 'Ann'],
    )
    const { stdout } = await octo.waitUntil(({ stdout }) => stdout.includes('shop4'))
    octo.child.kill()
    assert.equal(stdout, [1, 2, 3, 4].map((id) => `2026-03-01T10:00:00Z  Ann updated shop${id}\n`).join(''))
    const streams = requests.filter(({ path }) => path.endsWith('/stream')).map(({ query }) => query)
    assert.deepEqual(streams.slice(0, 2), ['actor=Ann&after=2', 'actor=Ann&after=3'])
  })

  test('audit --follow ends with an error that a retry does not cure', async (t) => {
    const refused = { tag: 'AppError', error_message: 'You may not read this.', code: 'forbidden' }
    const { url, requests } = await fakeServer(t, {
      'GET /api/v1/audit': { body: { entries: [], next_before: null } },
      // Without an entry the second connection begins when octo was started.
      'GET /api/v1/audit/stream': ({ query }) =>
        query.includes('after=31')
          ? { status: 403, body: refused }
          : query.includes('since=')
            ? { type: 'application/x-ndjson', body: `${JSON.stringify(auditEntry)}\n` }
            : { type: 'application/x-ndjson', body: '\n' },
    })
    const { code, stdout, stderr } = await runOcto({ OCTOPOD_URL: url }, 'audit', '--follow', '-o', 'jsonl')
    assert.equal(code, 6)
    assert.deepEqual(JSON.parse(stdout), auditEntry)
    assert.match(stderr, /You may not read this/)
    assert.equal(requests.length, 4)
  })

  test('audit --follow says that the server does not know its last entry, and goes on at its time', async (t) => {
    const entry = (id: number) => ({ ...auditEntry, id, details: {}, deployment: `shop${id}` })
    const refused = {
      tag: 'AppError',
      error_message: 'after: the audit log has no entry 31.',
      code: 'bad_request',
    }
    const { url, requests } = await fakeServer(t, {
      'GET /api/v1/audit': { body: { entries: [entry(31)], next_before: null } },
      'GET /api/v1/audit/stream': ({ query }) =>
        query.includes('after=31')
          ? { status: 400, body: refused }
          : { type: 'application/x-ndjson', body: `\n${JSON.stringify(entry(3))}\n` },
    })
    const octo = startOcto({ OCTOPOD_URL: url }, 'audit', '--follow')
    const { stderr } = await octo.waitUntil(({ stdout }) => stdout.includes('shop3\n'))
    octo.child.kill()
    assert.match(stderr, /The server has no entry 31: .* Entries since 2026-03-01T10:00:00\S* come again/)
    assert.equal(
      requests.filter(({ path }) => path.endsWith('/stream'))[1]?.query,
      `since=${encodeURIComponent(auditEntry.at)}`,
    )
  })

  test('Streams that end before the log was read are failed attempts', async (t) => {
    const { url, requests } = await fakeServer(t, {
      'GET /api/v1/audit/stream': () =>
        requests.length % 2 === 0
          ? { status: 503, body: { tag: 'AppError', error_message: 'Down.', code: 'service_unavailable' } }
          : { type: 'application/x-ndjson', body: '\n' },
    })
    const client = createApiClient(readConnection({ OCTOPOD_URL: url }))
    t.after(() => client.close())
    const entries = followAudit(client, {
      filters: {},
      known: [],
      onConnectionLost: () => {},
      maxAttempts: 3,
    })
    await assert.rejects(entries.next(), /Down/)
    assert.equal(requests.length, 4)
  })
})
