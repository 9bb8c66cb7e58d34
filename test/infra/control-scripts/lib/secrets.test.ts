/** Masking of secret values in printed text. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importModule } from '../control-scripts.ts'

const { registerSecret, maskSecrets } = await importModule<{
  registerSecret(value: string): void
  maskSecrets(text: string): string
}>('lib/secrets.mjs')

test('A secret is masked as plain text, in base64 and in JSON; short values are not masked', () => {
  for (const value of ['pa"ss\nword', 'abc']) registerSecret(value)
  const encoded = Buffer.from('pa"ss\nword').toString('base64')
  assert.equal(
    maskSecrets(`1 pa"ss\nword 2 ${encoded} 3 ${JSON.stringify('pa"ss\nword')} abc`),
    '1 *** 2 *** 3 "***" abc',
  )
})
