/** Masking of secret values in printed text. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { secretExamples } from '../../../domain/secrets/examples.ts'
import { importModule } from '../control-scripts.ts'

const { registerSecret, registerSecretsOf, maskSecrets } = await importModule<{
  registerSecret(value: string): void
  registerSecretsOf(request: { application: string[][]; deployment: string[][] }): void
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

test('The scripts mask the values that Octopod masks', () => {
  for (const [key, value, ...masked] of secretExamples) {
    // Octopod itself masks the passwords of URLs.
    if (value.includes('://')) continue
    registerSecretsOf({ application: [[key, `${value}`]], deployment: [] })
    assert.equal(maskSecrets(`${value}`).includes(value), masked.length === 0, `${key}=${value}`)
  }
})
