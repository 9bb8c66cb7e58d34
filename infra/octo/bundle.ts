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
  await build({ ...common, outdir: folder, splitting: true, chunkNames: 'pieces/[name]-[hash]' })
}

/** For the executable: one file. */
export async function bundleInOne(file: string): Promise<void> {
  await build({ ...common, outfile: file, plugins: [...common.plugins, undiciWhenNeeded] })
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

/** In octo, undici's Agent is ours, and the rest of undici is loaded when it is used. */
const undiciWhenNeeded: Plugin = {
  name: 'undici-when-needed',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^undici$/ }, ({ importer }) =>
      importer.startsWith(join(root, 'octo')) ? { path: 'undici', namespace: 'when-needed' } : null,
    )
    onLoad({ filter: /.*/, namespace: 'when-needed' }, async () => ({
      resolveDir: join(root, 'infra/octo'),
      contents: [
        `const undici = () => require('undici')`,
        `const { openAgent } = require('./agent.ts')`,
        `exports.Agent = function (options) { return openAgent(options, () => new (undici().Agent)(options)) }`,
        ...Object.keys(await import('undici'))
          .filter((name) => name !== 'Agent' && name !== 'default')
          .map(
            (name) =>
              `Object.defineProperty(exports, '${name}', { enumerable: true, get: () => undici().${name} })`,
          ),
      ].join('\n'),
    }))
  },
}

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
  // CommonJS inside an ES module asks for Node's modules by require.
  banner: { js: "import{createRequire as $create}from'node:module';const require=$create(import.meta.url);" },
} satisfies BuildOptions
