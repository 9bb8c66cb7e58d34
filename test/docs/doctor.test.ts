/** docs/doctor.md explains every finding: its level, its cure, at the anchor that the finding links to. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FindingCode, findingCodes, findingLink } from '../../domain/doctor/finding-codes.ts'
import { renderMarkdown } from '../../web/build/render-docs.ts'
import { sections } from '../architecture/markdown.ts'
import { read } from '../architecture/repository.ts'

const codes = Object.keys(findingCodes) as FindingCode[]
const text = read('docs/doctor.md')
const idsOf = (markdown: string) =>
  new Set([...renderMarkdown(markdown, (link) => link).matchAll(/<h\d id="([^"]+)"/g)].map(([, id]) => id))

test('Every code has a section with its level and its cure, and every section a code', () => {
  const documented = sections('docs/doctor.md', 3)
  assert.deepEqual([...documented.keys()].sort(), codes.map((code) => `\`${code}\``).sort())
  for (const code of codes) {
    const { level, cure } = findingCodes[code]
    const section = documented.get(`\`${code}\``) ?? ''
    assert.ok(section.trim().startsWith(level === 'error' ? '*Error.* ' : '*Warning.* '), code)
    assert.ok(section.includes(`\n**Cure:** ${cure}\n`), code)
  }
})

test('The link of a finding leads to its section', () => {
  const ids = idsOf(text)
  for (const code of codes) {
    const [path, id = ''] = findingLink(code).split('#')
    assert.equal(path, '/docs/doctor.html')
    assert.ok(ids.has(id), code)
  }
})

test('The links to other documents lead to headings that exist', () => {
  for (const [, file = '', id = ''] of text.matchAll(/\]\(([a-z0-9-]+\.md)#([^)]+)\)/g))
    assert.ok(idsOf(read(`docs/${file}`)).has(id), `${file}#${id}`)
})
