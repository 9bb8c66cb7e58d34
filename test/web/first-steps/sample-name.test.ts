import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sampleName } from '../../../web/first-steps/sample-name.ts'

const all = { patterns: ['*'], maxLength: 16, isPossible: () => true }

describe('the name of the first deployment', () => {
  it('It is free, and one that the caller may create', () => {
    assert.equal(sampleName(all), 'sample')
    assert.equal(sampleName({ ...all, isPossible: (name) => name !== 'sample' }), 'sample-2')
    const patterns = ['qa', 'shop-*']
    assert.equal(
      sampleName({ ...all, patterns, isPossible: (name) => name.startsWith('shop-') }),
      'shop-sample',
    )
    assert.equal(sampleName({ ...all, patterns, isPossible: (name) => name === 'qa' }), 'qa')
  })

  it('Without a possible name there is none', () => {
    assert.equal(
      sampleName({ ...all, patterns: ['a-very-long-prefix-*'], isPossible: (name) => name.startsWith('a-') }),
      null,
    )
    assert.equal(sampleName({ ...all, isPossible: () => false }), null)
  })
})
