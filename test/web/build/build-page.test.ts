import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { buildPage } from '../../helpers/browser/chromium.ts'

const dist = fileURLToPath(new URL('../../../web/dist', import.meta.url))

describe('the built page', () => {
  let names: string[] = []
  before(async () => {
    buildPage()
    names = (await readdir(dist)).filter((name) => !name.endsWith('.part'))
  })

  it('The JavaScript has at most 60 kB with Brotli', async () => {
    const packed = await Promise.all(
      names.filter((name) => name.endsWith('.js.br')).map((name) => readFile(join(dist, name))),
    )
    const bytes = packed.reduce((sum, file) => sum + file.length, 0)
    assert.ok(bytes > 0 && bytes <= 60_000, `${bytes} bytes`)
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
