/**
 * Bundles octo with esbuild: JavaScript without dependencies, for Node of any package and for the executable.
 * Called by package.ts and executable.ts.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, type Plugin } from 'esbuild'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** For Node: a small first file, so that the compile cache is on before the rest is loaded, and a piece a command. */
export async function bundleInPieces(folder: string): Promise<void> {
  await build({
    ...common,
    outdir: folder,
    splitting: true,
    chunkNames: 'pieces/[name]-[hash]',
    plugins: [...common.plugins, undiciWhenNeeded(agentOfUndici)],
  })
}

/** For the executable: one file. */
export async function bundleInOne(file: string): Promise<void> {
  await build({ ...common, outfile: file, plugins: [...common.plugins, undiciWhenNeeded(agentOnFetch)] })
}

/** Importing `z` by its name brings all of zod, as a namespace only what is used: 85 kB instead of 450. */
const namespaceOfZod: Plugin = {
  name: 'namespace-of-zod',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/](?:domain|octo)[\\/].*\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8')
      return {
        contents: text.replace(/^import \{ z \} from 'zod'$/m, "import * as z from 'zod'"),
        loader: 'ts',
      }
    })
  },
}

/** undici's own, without the rest of undici: 40 ms less. Dispatchers get their methods as its index.js gives them. */
const agentOfUndici = `
Object.assign(require('undici/lib/dispatcher/dispatcher.js').prototype, require('undici/lib/api/index.js'))
exports.Agent = require('undici/lib/dispatcher/agent.js')`

const agentOnFetch = `
const { openAgent } = require('./agent.ts')
exports.Agent = function (options) { return openAgent(options, () => new (undici().Agent)(options)) }`

/** What octo imports from undici is the given Agent, and the rest, loaded when it is used. */
const undiciWhenNeeded = (agent: string): Plugin => ({
  name: 'undici-when-needed',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^undici$/ }, ({ importer }) =>
      importer.startsWith(join(root, 'octo')) ? { path: 'undici', namespace: 'when-needed' } : null,
    )
    onLoad({ filter: /.*/, namespace: 'when-needed' }, async () => {
      const rest = Object.keys(await import('undici')).filter((name) => !['Agent', 'default'].includes(name))
      const lazy = (name: string) =>
        `Object.defineProperty(exports, '${name}', { enumerable: true, get: () => undici().${name} })`
      const contents = [`const undici = () => require('undici')`, agent, ...rest.map(lazy)].join('\n')
      return { contents, resolveDir: join(root, 'infra/octo') }
    })
  },
})

const common = {
  absWorkingDir: root,
  entryPoints: { octo: 'octo/main.ts' },
  outExtension: { '.js': '.mjs' },
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  logLevel: 'warning',
  plugins: [namespaceOfZod],
  // Its ES module: of CommonJS, import() in a bundle gives no names.
  alias: { yaml: join(root, 'node_modules/yaml/browser/dist/index.js') },
  // CommonJS inside an ES module asks for Node's modules by require.
  banner: { js: "import{createRequire as $create}from'node:module';const require=$create(import.meta.url);" },
} satisfies BuildOptions
