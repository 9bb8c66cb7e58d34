/**
 * Bundles octo and its libraries with esbuild into two JavaScript files without dependencies. Called by package.ts and
 * executable.ts.
 */
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Writes octo.cjs, which turns the compile cache on, and run.cjs, which holds everything else. CommonJS, because both
 * runtimes start it faster than ES modules.
 */
export async function bundleOcto(folder: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: { octo: 'octo/main.ts', run: 'octo/run.ts' },
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    logLevel: 'warning',
    // A lazy import becomes a lazy require of a module in the same file.
    supported: { 'dynamic-import': false },
    plugins: [runAsSeparateFile],
  })
}

/** main.ts loads run.ts from its own file, because the compile cache covers only files loaded after it is enabled. */
const runAsSeparateFile: Plugin = {
  name: 'run-as-separate-file',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/run\.ts$/ }, () => ({ path: './run.cjs', external: true }))
  },
}
