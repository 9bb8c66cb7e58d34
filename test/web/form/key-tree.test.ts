import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { matchesFilter } from '../../../web/config/key-filter.ts'
import { buildKeyTree, type KeyNode } from '../../../web/form/key-tree.ts'

const drawn = (nodes: readonly KeyNode[]): unknown[] =>
  nodes.map((node) =>
    typeof node === 'string' ? node : { [`${node.prefix} ${node.size}`]: drawn(node.nodes) },
  )

describe('the key tree', () => {
  it('Keys with a common prefix are grouped at the position of the first one', () => {
    assert.deepEqual(drawn(buildKeyTree(['image.tag', 'replicas', 'image.name', 'mail.host'])), [
      { 'image. 2': ['image.tag', 'image.name'] },
      'replicas',
      'mail.host',
    ])
  })

  it('Nested single groups are merged, and a key may have the name of a group', () => {
    assert.deepEqual(drawn(buildKeyTree(['a.b.c', 'a.b.d.e', 'a.b.d.f', 'x', 'x.y', 'x.z'])), [
      { 'a.b. 3': ['a.b.c', { 'a.b.d. 2': ['a.b.d.e', 'a.b.d.f'] }] },
      'x',
      { 'x. 2': ['x.y', 'x.z'] },
    ])
  })

  it('Unusual keys and thousands of keys work', () => {
    assert.deepEqual(drawn(buildKeyTree(['.', 'a.', 'a..b'])), ['.', { 'a. 2': ['a.', 'a..b'] }])
    const many = Array.from({ length: 5000 }, (_, at) => `a.${at % 50}.${at}`)
    assert.equal(buildKeyTree(many).length, 1)
  })

  it('The filter accepts words in any order', () => {
    assert.ok(matchesFilter('service.Mail.host', 'host mail'))
    assert.ok(!matchesFilter('service.mail.host', 'mail port'))
  })
})
