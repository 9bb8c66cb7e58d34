import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { diffOverrides, diffValues, isSecretChange } from '../../client/config-diff.ts'
import { valueAdded as setTo, valueDeleted } from '../../domain/overrides.ts'

describe('comparing overrides', () => {
  it('The order of overrides does not matter', () => {
    assert.deepEqual(
      diffOverrides([setTo('a', '1'), valueDeleted('b')], [valueDeleted('b'), setTo('a', '1')]),
      [],
    )
    assert.equal(diffOverrides([setTo('a', '')], [valueDeleted('a')]).length, 1)
  })

  it('The diff of two actions lists the changed keys', () => {
    assert.deepEqual(
      diffOverrides([setTo('a', '1'), setTo('b', '1')], [setTo('a', '2'), valueDeleted('c')]),
      [
        { key: 'a', before: '1', after: '2' },
        { key: 'b', before: '1', after: undefined },
        { key: 'c', before: undefined, after: null },
      ],
    )
  })

  it('Configs list each key that differs, also a key that one of them lacks', () => {
    assert.deepEqual(
      diffValues<string | null>(
        [
          ['b', '1'],
          ['a', ''],
        ],
        [
          ['a', null],
          ['b', '1'],
          ['c', '2'],
        ],
      ),
      [
        { key: 'a', before: '', after: null },
        { key: 'c', before: undefined, after: '2' },
      ],
    )
  })

  it('A change between two secrets is recognized, a secret that becomes readable is not', () => {
    const secret = (letter: string) => `***.${letter.repeat(22)}`
    assert.equal(isSecretChange({ before: secret('a'), after: secret('b') }), true)
    assert.equal(isSecretChange({ before: secret('a'), after: 'plain' }), false)
    assert.equal(isSecretChange({ before: null, after: secret('b') }), false)
  })
})
