/** What esbuild makes lighter while it bundles octo. Called by bundle.ts. */
import { join } from 'node:path'
import type { Plugin } from 'esbuild'
import * as z from 'zod'
import { responseSchemas } from '../../octo/api/validate-response.ts'
import { keywords } from './json-shape.ts'

const here = import.meta.dirname
const isOcto = (path: string) => path.startsWith(join(here, '../../octo'))

/** In place of octo/api/validate-response.ts: the same, by the JSON Schema of its shapes. */
export const shapesAsData: Plugin = {
  name: 'shapes-as-data',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]octo[\\/]api[\\/]validate-response\.ts$/ }, () => ({
      contents: `
        import { difference } from './json-shape.ts'
        const { properties, $defs } = JSON.parse(${JSON.stringify(JSON.stringify(schemaOfShapes()))})
        export const wrongWith = (name, json) => difference(properties[name], json, $defs)`,
      resolveDir: here,
      loader: 'js',
    }))
  },
}

/** One property a shape. Throws when json-shape.ts does not know a keyword. */
export function schemaOfShapes() {
  const { properties, $defs } = z.toJSONSchema(z.object(responseSchemas), { reused: 'ref' })
  for (const schema of [...Object.values(properties ?? {}), ...Object.values($defs ?? {})])
    checkKeywords(schema)
  return { properties, $defs }
}

function checkKeywords(schema: unknown): void {
  if (typeof schema !== 'object' || schema === null) return
  for (const [keyword, value] of Object.entries(schema)) {
    if (!keywords.has(keyword)) throw new Error(`json-shape.ts does not know the keyword ${keyword}`)
    const inner = keyword === 'properties' ? Object.values(value) : [value].flat()
    if (keyword !== 'enum') for (const one of inner) checkKeywords(one)
  }
}

/** clipanion asks how many colours the terminal has, and loads Node's tty for it; octo has no colours of clipanion's. */
export const plainTerminal: Plugin = {
  name: 'plain-terminal',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.\/platform$/ }, ({ importer, resolveDir }) =>
      importer.includes('clipanion') ? { path: join(resolveDir, '../platform/browser.mjs') } : null,
    )
  },
}

/** What octo imports from undici: the Agent of a file here, and the rest of undici, loaded from `undici` when it is used. */
export const undiciWhenNeeded = (agent: string, undici: string): Plugin => ({
  name: 'undici-when-needed',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^undici$/ }, ({ path, importer }) =>
      isOcto(importer) ? { path, namespace: 'when-needed' } : null,
    )
    onLoad({ filter: /.*/, namespace: 'when-needed' }, async () => {
      const rest = Object.keys(await import('undici')).filter((name) => !['Agent', 'default'].includes(name))
      const lazy = (name: string) =>
        `Object.defineProperty(exports, '${name}', { enumerable: true, get: () => undici().${name} })`
      const own = `
        const undici = () => require('${undici}')
        const { openAgent } = require('./${agent}')
        exports.Agent = function (options) { return openAgent(options, () => new (undici().Agent)(options)) }`
      return { contents: [own, ...rest.map(lazy)].join('\n'), resolveDir: here }
    })
  },
})
