import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Pair, removed, added as setTo } from '../../domain/overrides.ts'
import { changesBetween, configRows, rebased, removeKey, setValue, undoKey } from '../../web/config-rows.ts'

const defaults: Pair[] = [
  ['image.tag', 'v1'],
  ['debug', 'false'],
  ['region', 'eu'],
]

describe('the rows of a config level', () => {
  it('tell defaults, changed, removed and added keys apart, defaults first', () => {
    const rows = configRows(defaults, [setTo('mail', 'on'), setTo('image.tag', 'v2'), removed('debug')])
    assert.deepEqual(
      rows.map(({ key, value, kind }) => [key, value, kind]),
      [
        ['image.tag', 'v2', 'changed'],
        ['debug', null, 'removed'],
        ['region', 'eu', 'default'],
        ['mail', 'on', 'added'],
      ],
    )
  })

  it('still show an override whose default has gone', () => {
    assert.deepEqual(configRows([], [removed('debug')]), [
      { key: 'debug', standard: null, value: null, kind: 'removed' },
    ])
  })
})

describe('editing a key', () => {
  it('back to its default is as if it had never been touched', () => {
    const typed = setValue(defaults, [], 'image.tag', 'v2')
    assert.deepEqual(typed, [setTo('image.tag', 'v2')])
    assert.deepEqual(setValue(defaults, typed, 'image.tag', 'v1'), [])
  })

  it('takes out a default, forgets a key of its own', () => {
    assert.deepEqual(removeKey(defaults, [], 'debug'), [removed('debug')])
    assert.deepEqual(removeKey(defaults, [setTo('mail', 'on')], 'mail'), [])
  })

  it('is undone to what was saved, and once more to the default', () => {
    const saved = [setTo('image.tag', 'v2')]
    const typed = setValue(defaults, saved, 'image.tag', 'v3')
    const once = undoKey(saved, typed, 'image.tag')
    assert.deepEqual(once, saved)
    assert.deepEqual(undoKey(saved, once, 'image.tag'), [])
  })
})

describe('two people at one config', () => {
  const opened = [setTo('image.tag', 'v1'), setTo('mail', 'on'), setTo('debug', 'true')]

  it('both get what they did where it was on different keys', () => {
    const mine = [setTo('image.tag', 'v2'), setTo('mail', 'on'), removed('region')]
    const theirs = [setTo('image.tag', 'v1'), setTo('mail', 'off'), setTo('debug', 'true'), setTo('new', '1')]
    assert.deepEqual(rebased(opened, mine, theirs), [
      setTo('image.tag', 'v2'),
      setTo('mail', 'off'),
      setTo('new', '1'),
      removed('region'),
    ])
  })

  it('on the same key the form wins, also where the other one has taken it out', () => {
    assert.deepEqual(
      rebased(opened, [setTo('image.tag', 'v2'), ...opened.slice(1)], [removed('image.tag')]),
      [setTo('image.tag', 'v2')],
    )
    assert.deepEqual(rebased(opened, opened.slice(1), opened), opened.slice(1))
  })
})

describe('comparing overrides', () => {
  it('does not care about their order', () => {
    assert.deepEqual(changesBetween([setTo('a', '1'), removed('b')], [removed('b'), setTo('a', '1')]), [])
    assert.equal(changesBetween([setTo('a', '')], [removed('a')]).length, 1)
  })

  it('tells what one action changed against the one before', () => {
    assert.deepEqual(changesBetween([setTo('a', '1'), setTo('b', '1')], [setTo('a', '2'), removed('c')]), [
      { key: 'a', before: '1', after: '2' },
      { key: 'b', before: '1', after: undefined },
      { key: 'c', before: undefined, after: null },
    ])
  })
})
