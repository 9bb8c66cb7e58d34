/** The last lines of an output, for any division into chunks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { lastLines } from '../../../octo/output/tail.ts'

const at = '2026-03-01T10:00:00.000Z'

async function* chunksOf(texts: readonly string[]) {
  for (const [index, text] of texts.entries()) yield { seq: index + 1, stream: 'stdout' as const, text, at }
}

test('The last lines are those of the complete text', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.stringMatching(/^[ab\n]{0,6}$/), { maxLength: 8 }),
      fc.integer({ min: 1, max: 5 }),
      async (texts, count) => {
        const completeText = texts.join('')
        const lines = completeText.split('\n')
        const ended = lines.at(-1) === '' ? lines.slice(0, -1) : lines
        const expected =
          ended.slice(-count).join('\n') + (completeText.endsWith('\n') && ended.length > 0 ? '\n' : '')
        const lastChunks = await lastLines(chunksOf(texts), count)
        assert.equal(lastChunks.map(({ text }) => text).join(''), completeText === '' ? '' : expected)
      },
    ),
  )
})
