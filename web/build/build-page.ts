/**
 * `npm run build`: bundles the page into web/dist with hashed file names and compresses every file with
 * Brotli and gzip. Writes new files first, index.html last, and then removes old files, so that a running
 * server always has a complete page.
 */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, parse } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { build } from 'esbuild'

const sourceDir = fileURLToPath(new URL('..', import.meta.url))
const outputDir = join(sourceDir, 'dist')
/**
 * Limit for all JavaScript together, compressed with Brotli, so that the page opens fast on slow networks.
 */
const maxJavaScriptBytes = 60_000

const sizes = await buildPage()
for (const [name, bytes] of sizes) console.log(`${name} ${(bytes / 1000).toFixed(1)} kB compressed`)
const scriptBytes = [...sizes].reduce((sum, [name, bytes]) => (name.endsWith('.js') ? sum + bytes : sum), 0)
if (scriptBytes > maxJavaScriptBytes) {
  console.error(`The JavaScript has ${scriptBytes} bytes compressed; the limit is ${maxJavaScriptBytes}.`)
  process.exitCode = 1
}

/** Returns file name → size compressed with Brotli. */
async function buildPage(): Promise<Map<string, number>> {
  await mkdir(outputDir, { recursive: true })
  const { outputFiles, metafile } = await build({
    absWorkingDir: sourceDir,
    entryPoints: ['main.ts', 'styles/style.css', 'icon.svg', 'icon-failing.svg'],
    loader: { '.svg': 'copy' },
    outdir: 'dist',
    bundle: true,
    minify: true,
    format: 'esm',
    charset: 'utf8',
    // Class fields are only assigned, never declared before, which makes the output smaller.
    tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
    target: ['es2023', 'chrome120', 'firefox120', 'safari17'],
    legalComments: 'none',
    metafile: true,
    write: false,
  })
  const zodInputs = Object.keys(metafile.inputs).filter((input) => /node_modules\/zod\//.test(input))
  if (zodInputs.length > 0) throw new Error('The bundle contains zod: the page must import only its types')

  const sizes = new Map<string, number>()
  let page = await readFile(join(sourceDir, 'index.html'), 'utf8')
  for (const { path, contents } of outputFiles) {
    const { name, ext } = parse(path)
    const hashed = `${name}-${contentHash(contents)}${ext}`
    sizes.set(hashed, await writeCompressed(hashed, contents))
    const sourceName = ext === '.js' ? `${name}.ts` : name + ext
    page = page.replaceAll(`"/${sourceName}"`, `"/${hashed}"`)
  }
  sizes.set('index.html', await writeCompressed('index.html', new TextEncoder().encode(page)))
  const currentFiles = new Set([...sizes.keys()].flatMap((name) => [name, `${name}.br`, `${name}.gz`]))
  for (const name of await readdir(outputDir)) {
    // A concurrent build may be writing a .part file.
    if (!currentFiles.has(name) && !name.endsWith('.part'))
      await rm(join(outputDir, name), { force: true, recursive: true })
  }
  return sizes
}

/** Browsers cache a file with this hash in its name for a year: see functions/http/static-files.ts. */
function contentHash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 8).toUpperCase()
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
  for (const [suffix, bytes] of variants) {
    const path = join(outputDir, name + suffix)
    await writeFile(`${path}.${process.pid}.part`, bytes)
    await rename(`${path}.${process.pid}.part`, path)
  }
  return brotli.length
}
