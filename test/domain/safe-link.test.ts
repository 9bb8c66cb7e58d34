/** Which links the page may show. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isSafeLink } from '../../domain/safe-link.ts'

suite('links', () => {
  test('http and https links are safe, in upper and lower case', () => {
    for (const link of ['http://a', 'https://a.b/c?d#e', 'HTTPS://A']) assert.ok(isSafeLink(link), link)
  })

  test('Links that run code, have another scheme or have no host are not safe', () => {
    const unsafe = [
      'javascript:alert(1)',
      'JaVaScRiPt:alert(1)',
      ' javascript:alert(1)',
      'java\nscript:alert(1)',
      'data:text/html,x',
      'vbscript:x',
      'file:///etc/passwd',
      'ftp://a',
      '//a.b',
      '/path',
      'a.b',
      '',
    ]
    for (const link of unsafe) assert.equal(isSafeLink(link), false, link)
  })
})
