import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  createHighlighter,
  matchScore,
  parseQuery,
  searchFields,
  splitBySpans,
} from '../../../web/list/search.ts'
import { sampleDeployment } from '../../helpers/browser/sample-deployment.ts'

const shop = sampleDeployment({
  name: 'feature-pay-btn',
  app: { 'image.tag': 'v2-rc1', 'mail.host': 'mailhog' },
})
const quality = (query: string, info = shop) => matchScore(parseQuery(query), searchFields(info))
const marked = (query: string, text: string, info = shop) =>
  splitBySpans(text, createHighlighter(parseQuery(query), searchFields(info))(text))
    .map(({ text, isMatch }) => (isMatch ? `[${text}]` : text))
    .join('')

describe('the search', () => {
  it('Every term must match a name, a config key or a value, ignoring case', () => {
    assert.ok(quality('IMAGE pay') > 0)
    assert.ok(quality('tag=v2') > 0)
    assert.ok(quality('mailhog btn rc1') > 0)
    assert.equal(quality('mailhog nowhere'), 0)
  })

  it('A status is found unless it is Running or Archived', () => {
    const failed = { action: 'UpdateAction', state: 'failed', exit_code: 1 } as const
    assert.ok(quality('last update failed', sampleDeployment({ action: failed })) > 0)
    const failing = sampleDeployment({ status: 'GenericFailure', action: failed })
    assert.ok(quality('last update failed', failing) > 0, 'whatever the status is')
    assert.ok(quality('failing', sampleDeployment({ status: 'GenericFailure' })) > 0)
    assert.equal(quality('running', sampleDeployment()), 0)
  })

  it('Abbreviations match, and one typo in terms of four or more letters', () => {
    for (const query of ['fpb', 'featpay', 'imgtag', 'imgae', 'mailhgo', 'feture', 'maillhog', 'featurw']) {
      assert.ok(quality(query) > 0, query)
    }
    for (const query of ['bpf', 'eat3', 'xyz', 'imgeaa', 'hsot.mial']) assert.equal(quality(query), 0, query)
  })

  it('Ranking: whole name, start of the name, start of a part, anywhere, fuzzy', () => {
    const names = ['pay', 'pay-1', 'my-pay', 'repay', 'pa-by']
    const ranks = names.map((name) => quality('pay', sampleDeployment({ name })))
    assert.deepEqual(
      [...ranks].sort((a, b) => b - a),
      ranks,
    )
    assert.ok(new Set(ranks).size === ranks.length && Math.min(...ranks) > 0, String(ranks))
  })

  it('Long values are not matched fuzzily, and the search stays fast for any text', () => {
    const info = sampleDeployment({
      name: 'shop',
      app: { note: 'f p b '.repeat(50), big: 'a'.repeat(100_000) },
    })
    assert.equal(quality('fpb', info), 0)
    const start = performance.now()
    quality('aaaaaaaaaaaaaaaaaaaaaaaaaaab aaaaaaab', info)
    // Well above the real time on any machine, and well below that of a backtracking search.
    assert.ok(performance.now() - start < 5000)
  })

  it('Search text is never interpreted as a pattern', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (text) => {
        quality(text)
        assert.equal(marked(text, shop.deployment.name).replaceAll(/[[\]]/g, ''), shop.deployment.name)
      }),
    )
  })
})

describe('highlighted spans', () => {
  it('Matches are highlighted, and adjacent spans are merged', () => {
    assert.equal(marked('tag . v2', 'image.tag=v2-rc1'), 'image[.tag]=[v2]-rc1')
    assert.equal(marked('imag age', 'image.tag=v2-rc1'), '[image].tag=v2-rc1')
    assert.equal(marked('fpb', 'feature-pay-btn'), '[f]eature-[p]ay-[b]tn')
    assert.equal(marked('imgae', 'image.tag=v2-rc1'), '[image].tag=v2-rc1')
  })

  it('A term that matches exactly elsewhere is not highlighted fuzzily', () => {
    assert.equal(marked('pay', 'pa-ya'), 'pa-ya')
  })

  it('Part of a text can be highlighted', () => {
    const [first] = splitBySpans('image.tag=v2', [[6, 12]], 0, 9)
    assert.deepEqual(first, { text: 'image.', isMatch: false })
    assert.deepEqual(splitBySpans('image.tag=v2', [[6, 12]], 10), [{ text: 'v2', isMatch: true }])
  })
})
