/** octo audit against a fake server. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { fakeServer, runOcto } from '../fake-server.ts'
import { auditEntry } from '../wire-fixtures.ts'

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
})
