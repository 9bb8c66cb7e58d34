import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { buildKeyTree, type KeyNode, matchesKey } from '../../../web/form/key-tree.ts'

const drawn = (nodes: readonly KeyNode[]): unknown[] =>
  nodes.map((node) =>
    typeof node === 'string' ? node : { [`${node.prefix} ${node.size}`]: drawn(node.nodes) },
  )

describe('the tree of dotted keys', () => {
  it('puts keys with the same beginning together, where the first of them stood', () => {
    assert.deepEqual(drawn(buildKeyTree(['image.tag', 'replicas', 'image.name', 'mail.host'])), [
      { 'image. 2': ['image.tag', 'image.name'] },
      'replicas',
      'mail.host',
    ])
  })

  it('takes steps that lead to one group only at once, and keeps a key beside a group of its name', () => {
    assert.deepEqual(drawn(buildKeyTree(['a.b.c', 'a.b.d.e', 'a.b.d.f', 'x', 'x.y', 'x.z'])), [
      { 'a.b. 3': ['a.b.c', { 'a.b.d. 2': ['a.b.d.e', 'a.b.d.f'] }] },
      'x',
      { 'x. 2': ['x.y', 'x.z'] },
    ])
  })

  it('survives odd keys, and thousands of them', () => {
    assert.deepEqual(drawn(buildKeyTree(['.', 'a.', 'a..b'])), ['.', { 'a. 2': ['a.', 'a..b'] }])
    const many = Array.from({ length: 5000 }, (_, at) => `a.${at % 50}.${at}`)
    assert.equal(buildKeyTree(many).length, 1)
  })

  it('is filtered by words in any order', () => {
    assert.ok(matchesKey('service.Mail.host', 'host mail'))
    assert.ok(!matchesKey('service.mail.host', 'mail port'))
  })
})
