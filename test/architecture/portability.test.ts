/** No file names a folder of one machine or a package registry. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { files, read } from './repository.ts'

const texts = files()
  .filter((path) => !/\.(png|jpg|ico|woff2|gz|tgz)$/.test(path))
  .map((path) => ({ path, text: read(path) }))

/** Written in pieces, so that this file does not match. */
const machinePaths = new RegExp(['/ho' + 'me/', '/Us' + 'ers/', '/wo' + 'rk/', '/ro' + 'ot/'].join('|'))

test('No file names a folder of one machine', () => {
  const wrong = texts.filter(({ text }) => machinePaths.test(text))
  assert.deepEqual(
    wrong.map(({ path, text }) => `${path}: ${machinePaths.exec(text)?.[0]}`),
    [],
  )
})

test('No file names a registry', () => {
  const registries = new RegExp(
    ['registry\\.np' + 'mjs', 'registry\\.ya' + 'rnpkg', '^registry\\s*='].join('|'),
    'm',
  )
  const wrong = texts.filter(({ text }) => registries.test(text))
  assert.deepEqual(
    wrong.map(({ path }) => path),
    [],
  )
})
