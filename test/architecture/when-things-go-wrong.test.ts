/**
 * Every section of docs/when-things-go-wrong.md has lines for system, user and operator. Every line there, and every attack
 * in docs/security-tests.md, names a test.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sections, tableRows } from './markdown.ts'
import { read, root } from './repository.ts'

const page = 'docs/when-things-go-wrong.md'
const titles = [...sections(page, 2).keys()]
const rowsOf = (title: string) =>
  tableRows(page, (heading) => heading === title).filter(([who]) => who !== 'who')

test('Every section has lines for system, user and operator', () => {
  assert.ok(titles.length > 10)
  for (const title of titles) {
    const whos = new Set(rowsOf(title).map(([who]) => who))
    assert.deepEqual([...whos], ['system', 'user', 'operator'], title)
  }
})

test('Every line names an existing test by its exact title', () => {
  assert.deepEqual(withoutTest(titles.flatMap(rowsOf).map(([, what, held]) => [what, held])), [])
})

test('Every attack names an existing test by its exact title', () => {
  const [, ...attacks] = tableRows('docs/security-tests.md')
  assert.ok(attacks.length > 20)
  assert.deepEqual(withoutTest(attacks.map(([attack, , , held]) => [attack, held])), [])
})

function withoutTest(rows: (string | undefined)[][]): string[] {
  return rows.flatMap(([what = '', held = '']) => {
    const named = [...held.matchAll(/`(test\/[^`]+)`: ((?:(?!<br>).)+)/g)]
    if (named.length === 0 || named.length !== held.split('<br>').length) return [`${what} names no test`]
    return named
      .filter(
        ([, path = '', title = '']) =>
          !existsSync(join(root, path)) || !titlesIn(path).includes(title.trim()),
      )
      .map(([words]) => words)
  })
}

/** The titles of the tests in a file. */
function titlesIn(path: string): string[] {
  return [...read(path).matchAll(/\b(?:test|suite|it)\(\s*(['"`])((?:(?!\1).)+)\1/g)].map(
    ([, , title = '']) => title,
  )
}
