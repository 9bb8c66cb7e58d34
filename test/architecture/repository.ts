/** The files of the repository and their imports, as data for the architecture tests. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const ignoredNames = new Set(['node_modules', '.git', 'dist', '.octopod'])

/** Paths of all files of the repository, from the root and with `/`. */
export function files(folder = ''): string[] {
  const found = readdirSync(join(root, folder), { withFileTypes: true })
  return found.flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (ignoredNames.has(entry.name) || entry.name.endsWith('.log')) return []
    return entry.isDirectory() ? files(path) : entry.isFile() ? [path] : []
  })
}

export const read = (path: string): string => readFileSync(join(root, path), 'utf8')
export const topFolderOf = (path: string): string => path.split('/')[0] ?? ''
export const topFolders = [
  'lib',
  'domain',
  'client',
  'db',
  'functions',
  'runner',
  'web',
  'octo',
  'infra',
  'test',
] as const
export type TopFolder = (typeof topFolders)[number]

/** The TypeScript files of the top folders. */
export const sources = (): string[] =>
  files().filter(
    (path) => path.endsWith('.ts') && (topFolders as readonly string[]).includes(topFolderOf(path)),
  )

/** The text without comments. Biome's format is assumed: a block comment begins its line. */
const withoutComments = (text: string): string =>
  text.replace(/^[ \t]*\/\*[\s\S]*?\*\//gm, '').replace(/(^|[ \t;,({])\/\/.*$/gm, '$1')

export type ImportSpecifier = { specifier: string; typeOnly: boolean }

/** The specifiers of `import`, `export … from` and `import(…)` in a source text. */
export function importsIn(text: string): ImportSpecifier[] {
  const code = withoutComments(text)
  const statements = code.matchAll(
    /^(?:import|export)\b(\s+type\b(?!\s*,|\s+from))?(?:[^'"`;=]*?\bfrom)?\s*['"]([^'"\n]+)['"]/gm,
  )
  const calls = code.matchAll(/\bimport\(\s*()['"]([^'"\n]+)['"]/g)
  return [...statements, ...calls].map(([, type, specifier = '']) => ({ specifier, typeOnly: Boolean(type) }))
}

/** `to`: a path from the root, a `node:` module, or the name of a package. */
export type Import = ImportSpecifier & { from: string; kind: 'file' | 'node' | 'package'; to: string }

export const importsOf = (path: string): Import[] => parseImports(path, read(path))

/** The imports of a file at `path` with this text. */
export function parseImports(path: string, text: string): Import[] {
  return importsIn(text).map((named): Import => {
    const { specifier } = named
    if (specifier.startsWith('.')) {
      const to = posix.normalize(posix.join(posix.dirname(path), specifier))
      return { ...named, from: path, kind: 'file', to }
    }
    if (specifier.startsWith('node:')) return { ...named, from: path, kind: 'node', to: specifier }
    const parts = specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1)
    return { ...named, from: path, kind: 'package', to: parts.join('/') }
  })
}
