/**
 * `npm run build`: bundles the page into web/dist with hashed file names and compresses every file with
 * Brotli and gzip. Writes new files first, index.html last, and then removes old files, so that a running
 * server always has a complete page. What `import()` names becomes a file that is loaded later. Beside the page it writes the
 * documents of docs/ as pages.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, parse, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild'
import { formatSize } from '../../lib/format-units.ts'
import { renderDocs } from './render-docs.ts'

const sourceDir = fileURLToPath(new URL('..', import.meta.url))
const outputDir = join(sourceDir, 'dist')
const docsDir = join(outputDir, 'docs')
/** Limit for the JavaScript that a first visit loads, compressed with Brotli, so that the page opens fast on slow networks. */
const maxFirstVisitBytes = 60_000

const buildOptions = {
  absWorkingDir: sourceDir,
  outdir: 'dist',
  bundle: true,
  // Browsers cache a file with such a hash in its name for a year: see functions/http/static-files.ts.
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  minify: true,
  charset: 'utf8',
  // Class fields are only assigned, never declared before, which makes the output smaller.
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
  target: ['es2023', 'chrome120', 'firefox120', 'safari17'],
  legalComments: 'none',
  metafile: true,
  write: false,
} as const satisfies BuildOptions

const { sizes, firstVisit } = await buildPage()
for (const [name, bytes] of sizes)
  if (!name.includes('/')) console.log(`${name} ${formatSize(bytes)} compressed`)
const sumOf = (names: Iterable<string>) => [...names].reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0)
const firstVisitBytes = sumOf(firstVisit)
const allBytes = sumOf([...sizes.keys()].filter((name) => name.endsWith('.js')))
console.log(
  `JavaScript of a first visit: ${formatSize(firstVisitBytes)} in ${firstVisit.length} files; all: ${formatSize(allBytes)}`,
)
if (firstVisitBytes > maxFirstVisitBytes) {
  console.error(
    `The JavaScript of a first visit has ${firstVisitBytes} bytes compressed; the limit is ${maxFirstVisitBytes}.`,
  )
  process.exitCode = 1
}

/** Returns the sizes compressed with Brotli by file name, and the names of the scripts that a first visit loads. */
async function buildPage(): Promise<{ sizes: Map<string, number>; firstVisit: string[] }> {
  await mkdir(join(docsDir, 'pictures'), { recursive: true })
  const [{ outputFiles, metafile }, atStart] = await Promise.all([
    build({
      ...buildOptions,
      entryPoints: ['main.ts', 'styles/style.css', 'styles/docs.css', 'icon.svg', 'icon-failing.svg'],
      loader: { '.svg': 'copy' },
      splitting: true,
      plugins: [shareMain()],
      format: 'esm',
    }),
    // No module, because modules run after the page was drawn.
    build({ ...buildOptions, entryPoints: ['theme/at-start.ts'], format: 'iife' }),
  ])
  Object.assign(metafile.outputs, atStart.metafile.outputs)
  const zodInputs = Object.keys(metafile.inputs).filter((input) => /node_modules\/zod\//.test(input))
  if (zodInputs.length > 0) throw new Error('The bundle contains zod: the page must import only its types')

  const sizes = new Map<string, number>()
  for (const { path, contents } of [...outputFiles, ...atStart.outputFiles]) {
    const { base } = parse(path)
    sizes.set(base, await writeCompressed(base, contents))
  }
  const modules = scriptsOf(metafile, 'main.ts')
  const firstVisit = [...modules, ...scriptsOf(metafile, 'theme/at-start.ts')]
  const hashed = (entry: string) => {
    const pattern = new RegExp(`^${entry}-[A-Z0-9]{8}\\.`)
    return [...sizes.keys()].find((name) => pattern.test(name)) ?? ''
  }
  const docs = await renderDocs({
    root: dirname(sourceDir.replace(/[/\\]$/, '')),
    stylesheet: hashed('docs'),
    script: hashed('at-start'),
    icon: hashed('icon'),
  })
  for (const { name, contents } of docs) {
    const path = `docs/${name}`
    // A picture is compressed already.
    if (name.endsWith('.png')) await writeAtOnce(path, contents)
    sizes.set(path, name.endsWith('.png') ? contents.length : await writeCompressed(path, contents))
  }
  const page = await completeIndex(metafile, modules)
  sizes.set('index.html', await writeCompressed('index.html', new TextEncoder().encode(page)))
  const currentFiles = new Set([...sizes.keys()].flatMap((name) => [name, `${name}.br`, `${name}.gz`]))
  for (const entry of await readdir(outputDir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    // A concurrent build may be writing a .part file.
    if (entry.isFile() && !currentFiles.has(relative(outputDir, path)) && !entry.name.endsWith('.part'))
      await rm(path, { force: true })
  }
  return { sizes, firstVisit }
}

/** The file of an entry point and those that it imports at once, without what it loads later. */
function scriptsOf({ outputs }: Metafile, entryPoint: string): string[] {
  const found = new Set<string>()
  const add = (path: string) => {
    if (found.has(path)) return
    found.add(path)
    for (const { path: imported, kind } of outputs[path]?.imports ?? [])
      if (kind !== 'dynamic-import') add(imported)
  }
  for (const [path, output] of Object.entries(outputs)) if (output.entryPoint === entryPoint) add(path)
  return [...found].map((path) => parse(path).base)
}

/** index.html with the hashed names. The imports of the first script are loaded beside it, not after it. */
async function completeIndex({ outputs }: Metafile, [first = '', ...imported]: string[]): Promise<string> {
  let page = await readFile(join(sourceDir, 'index.html'), 'utf8')
  for (const [path, { entryPoint }] of Object.entries(outputs)) {
    if (entryPoint !== undefined)
      page = page.replaceAll(`"/${parse(entryPoint).base}"`, `"/${parse(path).base}"`)
  }
  const preloads = imported.map((name) => `<link rel="modulepreload" href="/${name}" />\n    `).join('')
  const script = `<script type="module" src="/${first}">`
  if (!page.includes(script)) throw new Error('index.html does not load main.ts')
  return page.replace(script, preloads + script)
}

/**
 * Lets every part that is loaded later import main.ts, whose code is loaded anyway. Without it, esbuild makes a file of each
 * combination of parts that share a module: a first visit loaded 18 files, 5 kB more.
 */
function shareMain(): Plugin {
  const parts = new Set<string>()
  return {
    name: 'share-main',
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter: /^\./, namespace: 'file' }, ({ kind, path, resolveDir }) => {
        if (kind === 'dynamic-import') parts.add(join(resolveDir, path))
        return null
      })
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (!parts.has(path)) return null
        const source = await readFile(path, 'utf8')
        return { contents: `${source}\nimport ${JSON.stringify(join(sourceDir, 'main.ts'))}\n`, loader: 'ts' }
      })
    },
  }
}

/** Writes a file and its compressed variants, each atomically. Returns the size compressed with Brotli. */
async function writeCompressed(name: string, contents: Uint8Array): Promise<number> {
  const brotli = await promisify(brotliCompress)(contents, {
    params: { [constants.BROTLI_PARAM_SIZE_HINT]: contents.length },
  })
  const variants = [
    ['.br', brotli],
    ['.gz', await promisify(gzip)(contents, { level: 9 })],
    ['', contents],
  ] as const
  for (const [suffix, bytes] of variants) await writeAtOnce(name + suffix, bytes)
  return brotli.length
}

async function writeAtOnce(name: string, bytes: Uint8Array): Promise<void> {
  const path = join(outputDir, name)
  await writeFile(`${path}.${process.pid}.part`, bytes)
  await rename(`${path}.${process.pid}.part`, path)
}
