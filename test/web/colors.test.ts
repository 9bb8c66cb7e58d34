/** The contrast of the colors in the style sheets, for combinations that no opened page may happen to show. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'

const readStyles = (name: string) => readFile(new URL(`../../web/${name}.css`, import.meta.url), 'utf8')
const minContrast = 4.5

describe('the colors of the page', () => {
  it('Every tone is readable on its background and on all surfaces, in both themes', async () => {
    const [light = '', dark = ''] = (await readStyles('styles/tokens')).split(':root[data-theme="dark"]')
    const bright = readVariables(light)
    const themes = { light: bright, dark: new Map([...bright, ...readVariables(dark)]) }
    const pairs = [
      ...['success', 'progress', 'warning', 'error', 'inactive', 'accent'].flatMap((tone) =>
        [`${tone}-background`, 'surface', 'page-background'].map((background) => [tone, background]),
      ),
      ...['success', 'progress', 'warning', 'error', 'inactive'].flatMap((tone) =>
        ['text', 'text-muted'].map((text) => [text, `${tone}-background`]),
      ),
      ...['text', 'text-muted', 'text-faint'].flatMap((text) =>
        ['surface', 'page-background', 'surface-sunken'].map((background) => [text, background]),
      ),
      ...['terminal-text', 'terminal-error', 'terminal-text-muted', 'terminal-text-faint'].map((text) => [
        text,
        'terminal',
      ]),
    ]
    for (const [theme, variables] of Object.entries(themes)) {
      for (const [text = '', background = ''] of pairs) {
        const found = contrast(variables.get(text) ?? '', variables.get(background) ?? '')
        assert.ok(found >= minContrast, `${theme}: ${text} on ${background}: ${found.toFixed(2)}`)
      }
    }
  })

  it('Every color of a terminal is readable, as text and as a background', async () => {
    const css = await readStyles('log-viewer/terminal')
    const [light = '', dark = ''] = (await readStyles('styles/tokens')).split(':root[data-theme="dark"]')
    const texts = [...css.matchAll(/\.color-(\d+) \{\s+color: (#\w+)/g)]
    const blocks = [...css.matchAll(/\.background-(\d+) \{\s+background: (#\w+);\s+color: (#\w+)/g)]
    assert.deepEqual([texts.length, blocks.length], [16, 16])
    for (const [, number, color = ''] of texts) {
      for (const tokens of [light, dark]) {
        const found = contrast(color, readVariables(tokens).get('terminal') ?? '')
        assert.ok(found >= minContrast, `color ${number}: ${found.toFixed(2)}`)
      }
    }
    for (const [, number, background = '', color = ''] of blocks)
      assert.ok(contrast(color, background) >= minContrast, `background ${number}`)
  })
})

const readVariables = (css: string) =>
  new Map([...css.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = '', value = '']) => [name, value]))

/** The contrast ratio of WCAG 2. */
function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x)
  return (high + 0.05) / (low + 0.05)
}

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
