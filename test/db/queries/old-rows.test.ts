/** What the API sends of rows that older programs wrote. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { useTestDatabase } from '../fixtures.ts'

const db = useTestDatabase()

for (const [stored, sent] of [
  ['[["a", {"tag": "ValueAdded", "contents": ""}]]', [['a', { tag: 'ValueAdded', contents: '' }]]],
  [
    '[["a", {"tag": "ValueAdded", "contents": null}], ["b", {"tag": "ValueDeleted"}]]',
    [['b', { tag: 'ValueDeleted' }]],
  ],
  [
    '[["a", {"tag": "ValueAdded"}], ["a", {"tag": "New", "contents": "x"}], ["a", null], ["a"], [], null, 1, "a", {}]',
    [],
  ],
  [
    '[["a", {"tag": "ValueAdded", "contents": 1}], [1, {"tag": "ValueDeleted"}], ["a", {"tag": "ValueDeleted"}, 1]]',
    [],
  ],
  [
    '[["b", {"tag": "ValueDeleted", "contents": null}], ["a", {"tag": "ValueAdded", "contents": "1"}]]',
    [
      ['b', { tag: 'ValueDeleted' }],
      ['a', { tag: 'ValueAdded', contents: '1' }],
    ],
  ],
  ['null', []],
  ['{}', []],
  ['"text"', []],
  ['[]', []],
] as const)
  test(`Of the overrides ${stored} the API sends what clients can read`, async () => {
    const [row] = await db.raw('select to_api_overrides($1) as sent', [stored])
    assert.deepEqual(row.sent, sent)
  })

for (const [stored, sent] of [
  [
    '[{"name": "app", "link": "https://x"}, {"name": "app", "link": null}, {"link": "https://x"}, null, []]',
    [{ name: 'app', link: 'https://x' }],
  ],
  ['null', []],
  ['{"name": "app", "link": "https://x"}', []],
] as const)
  test(`Of the links ${stored} the API sends what clients can read`, async () => {
    const [row] = await db.raw('select to_api_links($1) as sent', [stored])
    assert.deepEqual(row.sent, sent)
  })
