import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { matchesKey, type Node, treeOf } from '../../web/forms/tree.ts'

const drawn = (nodes: readonly Node[]): unknown[] =>
  nodes.map((node) =>
    typeof node === 'string' ? node : { [`${node.prefix} ${node.size}`]: drawn(node.nodes) },
  )

describe('the tree of dotted keys', () => {
  it('puts keys with the same beginning together, where the first of them stood', () => {
    assert.deepEqual(drawn(treeOf(['image.tag', 'replicas', 'image.name', 'mail.host'])), [
      { 'image. 2': ['image.tag', 'image.name'] },
      'replicas',
      'mail.host',
    ])
  })

  it('takes steps that lead to one group only at once, and keeps a key beside a group of its name', () => {
    assert.deepEqual(drawn(treeOf(['a.b.c', 'a.b.d.e', 'a.b.d.f', 'x', 'x.y', 'x.z'])), [
      { 'a.b. 3': ['a.b.c', { 'a.b.d. 2': ['a.b.d.e', 'a.b.d.f'] }] },
      'x',
      { 'x. 2': ['x.y', 'x.z'] },
    ])
  })

  it('survives odd keys, and thousands of them', () => {
    assert.deepEqual(drawn(treeOf(['.', 'a.', 'a..b'])), ['.', { 'a. 2': ['a.', 'a..b'] }])
    const many = Array.from({ length: 5000 }, (_, at) => `a.${at % 50}.${at}`)
    assert.equal(treeOf(many).length, 1)
  })

  it('is filtered by words in any order', () => {
    assert.ok(matchesKey('service.Mail.host', 'host mail'))
    assert.ok(!matchesKey('service.mail.host', 'mail port'))
  })
})
