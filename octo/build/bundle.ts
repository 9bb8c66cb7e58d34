/**
 * Bundles octo with esbuild: JavaScript without dependencies, for Node of any package and for the executable.
 * Called by package.ts and executable.ts.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { plainTerminal, shapesAsData, undiciWhenNeeded } from '../../infra/octo/plugins.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * For Node: a small first file, so that the compile cache is on before the rest is loaded, the rest in one, for every file
 * costs, but undici and yaml, which few commands load. CommonJS, which Node starts sooner than modules.
 */
export async function bundleForNode(folder: string): Promise<void> {
  const files = { ...common, outdir: folder, outExtension: { '.js': '.cjs' }, format: 'cjs' } as const
  await build({
    ...files,
    entryPoints: { octo: 'octo/main.ts', run: 'octo/run.ts' },
    // What is loaded when it is needed is in the same file, and asked for as require does.
    supported: { 'dynamic-import': false },
    plugins: [...common.plugins, separateFiles, undiciWhenNeeded('agent-on-http.ts', './undici.cjs')],
  })
  await build({ ...files, entryPoints: { undici: 'undici', yaml: 'yaml' } })
}

/** For the executable: one file. */
export async function bundleForExecutable(file: string): Promise<void> {
  await build({
    ...common,
    entryPoints: ['octo/main.ts'],
    outfile: file,
    // Its ES module: of CommonJS, import() in a bundle gives no names.
    alias: { yaml: join(root, 'node_modules/yaml/browser/dist/index.js') },
    format: 'esm',
    plugins: [...common.plugins, undiciWhenNeeded('agent-on-fetch.ts', 'undici')],
    // CommonJS inside an ES module asks for Node's modules by require.
    banner: {
      js: "import{createRequire as $create}from'node:module';const require=$create(import.meta.url);",
    },
  })
}

/** Files of their own beside the one that asks for them. */
const separateFiles: Plugin = {
  name: 'apart',
  setup({ onResolve }) {
    onResolve({ filter: /^(?:yaml|\.\/run\.ts|\.\/undici\.cjs)$/ }, ({ path, importer }) => {
      // Who asks for run.ts by that name is main.ts alone.
      const name = path.replace(/^\.\/|\.\w+$/g, '')
      return importer === '' ? null : { path: `./${name}.cjs`, external: true }
    })
  },
}

const common = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  logLevel: 'warning',
  plugins: [shapesAsData, plainTerminal],
} satisfies BuildOptions
