/**
 * Builds one executable from octo and the Bun runtime, for machines without Node. Bun comes from npm and starts in a
 * third of the time of Node. Called by build.ts and by tests.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { bundleOcto, root } from './bundle.ts'

/** The name that Bun gives this machine: `linux-x64`, `linux-aarch64-musl`, `darwin-aarch64`, `windows-x64` … */
export function hostPlatform(): string {
  const systemNames: Partial<Record<NodeJS.Platform, string>> = { win32: 'windows' }
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  const isMusl = process.platform === 'linux' && report.header?.glibcVersionRuntime === undefined
  const processor = process.arch === 'arm64' ? 'aarch64' : process.arch
  return `${systemNames[process.platform] ?? process.platform}-${processor}${isMusl ? '-musl' : ''}`
}

/** Path of the Bun program for the platform; null when npm did not install it. */
export function findRuntime(platform: string): string | null {
  const name = platform.startsWith('windows') ? 'bun.exe' : 'bun'
  const path = join(root, 'node_modules/@oven', `bun-${platform}`, 'bin', name)
  return existsSync(path) ? path : null
}

export function installHint(platform: string): string {
  const { version } = createRequire(import.meta.url)('bun/package.json') as { version: string }
  return `npm install --no-save --force @oven/bun-${platform}@${version}`
}

/**
 * Replaces the file in one step, so that a running octo is not disturbed. Throws with the message of the compiler.
 */
export async function buildExecutable(target: string, platform = hostPlatform()): Promise<void> {
  const compiler = requireRuntime(hostPlatform())
  const runtime = requireRuntime(platform)
  const temporaryFile = join(dirname(target), `${process.pid}-${basename(target)}`)
  // The path of the bundle becomes part of the executable, so it must not be a folder of this machine.
  const folder = await mkdtemp(join(tmpdir(), 'octo-'))
  try {
    await bundleOcto(folder)
    await mkdir(dirname(target), { recursive: true })
    const compilerArgs = [
      ...compileOptions,
      ...crossCompileOptions(platform, runtime),
      `--outfile=${temporaryFile}`,
      'octo.cjs',
    ]
    await promisify(execFile)(compiler, compilerArgs, { cwd: folder })
    await rename(temporaryFile, target)
  } finally {
    await Promise.all([folder, temporaryFile].map((path) => rm(path, { recursive: true, force: true })))
  }
}

function requireRuntime(platform: string): string {
  const path = findRuntime(platform)
  if (path !== null) return path
  throw new Error(`The Bun runtime for ${platform} is not installed. Install it: ${installHint(platform)}`)
}

const compileOptions = [
  'build',
  '--compile',
  '--bytecode',
  '--format=cjs',
  '--minify',
  // octo runs for milliseconds, so compiling hot functions never pays off.
  '--compile-jit-policy=10',
  // The .env file in the current folder may belong to any program.
  '--no-compile-autoload-dotenv',
  '--no-compile-autoload-bunfig',
]

function crossCompileOptions(platform: string, runtime: string): string[] {
  if (platform === hostPlatform()) return []
  return [`--target=bun-${platform.replace('aarch64', 'arm64')}`, `--compile-executable-path=${runtime}`]
}
