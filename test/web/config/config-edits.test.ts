import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type KeyValue, valueAdded as setTo, valueDeleted } from '../../../domain/overrides.ts'
import {
  buildConfigRows,
  rebaseOverrides,
  removeKey,
  setValue,
  undoChange,
} from '../../../web/config/config-edits.ts'

const defaults: KeyValue[] = [
  ['image.tag', 'v1'],
  ['debug', 'false'],
  ['region', 'eu'],
]

describe('the rows of a config level', () => {
  it('Rows are default, changed, removed or added, with the defaults first', () => {
    const rows = buildConfigRows(defaults, [
      setTo('mail', 'on'),
      setTo('image.tag', 'v2'),
      valueDeleted('debug'),
    ])
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

  it('An override without a default is still shown', () => {
    assert.deepEqual(buildConfigRows([], [valueDeleted('debug')]), [
      { key: 'debug', defaultValue: null, value: null, kind: 'removed' },
    ])
  })
})

describe('editing a key', () => {
  it('Setting the default value removes the override', () => {
    const typed = setValue(defaults, [], 'image.tag', 'v2')
    assert.deepEqual(typed, [setTo('image.tag', 'v2')])
    assert.deepEqual(setValue(defaults, typed, 'image.tag', 'v1'), [])
  })

  it('Removing marks a default as removed and deletes an added key', () => {
    assert.deepEqual(removeKey(defaults, [], 'debug'), [valueDeleted('debug')])
    assert.deepEqual(removeKey(defaults, [setTo('mail', 'on')], 'mail'), [])
  })

  it('Undo restores the saved override first, then the default', () => {
    const saved = [setTo('image.tag', 'v2')]
    const typed = setValue(defaults, saved, 'image.tag', 'v3')
    const once = undoChange(saved, typed, 'image.tag')
    assert.deepEqual(once, saved)
    assert.deepEqual(undoChange(saved, once, 'image.tag'), [])
  })
})

describe('rebasing edits on remote changes', () => {
  const opened = [setTo('image.tag', 'v1'), setTo('mail', 'on'), setTo('debug', 'true')]

  it('Changes of different keys are merged', () => {
    const edited = [setTo('image.tag', 'v2'), setTo('mail', 'on'), valueDeleted('region')]
    const remote = [setTo('image.tag', 'v1'), setTo('mail', 'off'), setTo('debug', 'true'), setTo('new', '1')]
    assert.deepEqual(rebaseOverrides(opened, edited, remote), [
      setTo('image.tag', 'v2'),
      setTo('mail', 'off'),
      setTo('new', '1'),
      valueDeleted('region'),
    ])
  })

  it('The local edit wins for the same key, also against a removal', () => {
    assert.deepEqual(
      rebaseOverrides(opened, [setTo('image.tag', 'v2'), ...opened.slice(1)], [valueDeleted('image.tag')]),
      [setTo('image.tag', 'v2')],
    )
    assert.deepEqual(rebaseOverrides(opened, opened.slice(1), opened), opened.slice(1))
  })
})
