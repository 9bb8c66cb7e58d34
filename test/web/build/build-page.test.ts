import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { renderMarkdown } from '../../../web/build/render-docs.ts'
import { buildPage } from '../../helpers/browser/chromium.ts'

const dist = fileURLToPath(new URL('../../../web/dist', import.meta.url))

describe('the built page', () => {
  let names: string[] = []
  before(async () => {
    buildPage()
    const entries = await readdir(dist, { withFileTypes: true })
    names = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.part')).map(({ name }) => name)
  })

  it('The JavaScript of a first visit has at most 60 kB with Brotli, and is named in index.html', async () => {
    const html = await readFile(join(dist, 'index.html'), 'utf8')
    const atOnce = await firstVisitScripts(html)
    const packed = await Promise.all(atOnce.map((name) => readFile(join(dist, `${name}.br`))))
    const bytes = packed.reduce((sum, file) => sum + file.length, 0)
    assert.ok(bytes > 0 && bytes <= 60_000, `${bytes} bytes`)
    for (const name of atOnce) assert.ok(html.includes(`"/${name}"`), `${name} is loaded beside the others`)
  })

  it('The parts that are loaded later are files of their own', async () => {
    const atOnce = await firstVisitScripts(await readFile(join(dist, 'index.html'), 'utf8'))
    for (const part of ['audit-page', 'tokens-page', 'device-page', 'sessions-dialog', 'log-viewer']) {
      const name = names.find((name) => name.startsWith(`${part}-`) && name.endsWith('.js')) ?? ''
      assert.ok(name !== '' && !atOnce.includes(name), part)
    }
  })

  it('File names have hashes, and every file exists with Brotli and gzip', async () => {
    for (const name of names.filter((name) => !/\.(br|gz)$/.test(name))) {
      assert.match(name, /^index\.html$|-[A-Z0-9]{8}\.\w+$/)
      const plain = await readFile(join(dist, name))
      assert.deepEqual(brotliDecompressSync(await readFile(join(dist, `${name}.br`))), plain)
      assert.deepEqual(gunzipSync(await readFile(join(dist, `${name}.gz`))), plain)
    }
  })

  it('The page has no inline code and loads nothing from other hosts', async () => {
    const html = await readFile(join(dist, 'index.html'), 'utf8')
    assert.doesNotMatch(html, / style=| on\w+=|https?:|<script(?![^>]* src="\/)/)
    for (const [, path = ''] of html.matchAll(/(?:src|href)="\/([^"]+)"/g))
      assert.ok(names.includes(path), path)
  })
})

/** The documents of docs/ beside the page. */
describe('the built documents', () => {
  const folder = join(dist, 'docs')
  it('Every link, heading and picture of a document exists, and no document loads anything from another host', async () => {
    const files = await readdir(folder, { recursive: true })
    const pages = files.filter((name) => name.endsWith('.html'))
    assert.ok(pages.includes('guide.html') && pages.includes('changelog.html'))
    const texts = new Map<string, string>()
    for (const name of pages) texts.set(name, await readFile(join(folder, name), 'utf8'))
    for (const [name, text] of texts) {
      assert.match(text, /<h1 id=/)
      assert.doesNotMatch(text, / style=| on\w+="|<script(?! src="\.\.\/at-start-)|src="http/)
      for (const [, link = ''] of text.matchAll(/ (?:href|src)="([^"]+)"/g)) {
        if (/^https?:|^\.\.\//.test(link)) continue
        const [file = '', heading] = link.split('#')
        assert.ok(file === '' || files.includes(file), `${name}: ${link}`)
        const target = texts.get(file === '' ? name : file)
        if (heading !== undefined) assert.ok(target?.includes(` id="${heading}"`), `${name}: ${link}`)
      }
    }
  })

  it('HTML in a document is text, and a link to a file that no server has becomes its text', () => {
    const rendered = renderMarkdown(
      '# A & b\n\n<script>x</script>\n\n[file](../x.ts) [b](b.md)\n\n# A & b\n',
      (link) => (link === 'b.md' ? 'b.html' : null),
    )
    assert.doesNotMatch(rendered, /<script|x\.ts/)
    assert.match(rendered, /<p>file <a href="b\.html">b<\/a>/)
    assert.match(rendered, /id="a--b".*id="a--b-1"/s)
  })
})

/** The script of index.html and what it imports at once, without what it loads later. */
async function firstVisitScripts(html: string): Promise<string[]> {
  const found = new Set<string>()
  const add = async (name: string) => {
    if (found.has(name)) return
    found.add(name)
    const source = await readFile(join(dist, name), 'utf8')
    for (const [, imported = ''] of source.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) await add(imported)
  }
  await add(/<script type="module" src="\/([^"]+)"/.exec(html)?.[1] ?? '')
  return [...found]
}
