/** The repository as data for the law tests: its files, and what each imports. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const ignoredNames = new Set(['node_modules', '.git', 'dist', '.octopod'])

/** Paths from the root with `/`, of everything that is kept in the repository. */
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
  'db',
  'functions',
  'runner',
  'web',
  'octo',
  'infra',
  'test',
] as const
export type TopFolder = (typeof topFolders)[number]

/** TypeScript of the rooms. */
export const sources = (): string[] =>
  files().filter(
    (path) => path.endsWith('.ts') && (topFolders as readonly string[]).includes(topFolderOf(path)),
  )

/** Without comments. Biome's layout is relied on: a block comment begins its line. */
export const withoutComments = (text: string): string =>
  text.replace(/^[ \t]*\/\*[\s\S]*?\*\//gm, '').replace(/(^|[ \t;,({])\/\/.*$/gm, '$1')

export type ImportSpecifier = { specifier: string; typeOnly: boolean }

/** What a source names in `import`, `export … from` and `import(…)`. */
export function importsIn(text: string): ImportSpecifier[] {
  const code = withoutComments(text)
  const statements = code.matchAll(
    /^(?:import|export)\b(\s+type\b(?!\s*,|\s+from))?(?:[^'"`;=]*?\bfrom)?\s*['"]([^'"\n]+)['"]/gm,
  )
  const calls = code.matchAll(/\bimport\(\s*()['"]([^'"\n]+)['"]/g)
  return [...statements, ...calls].map(([, type, specifier = '']) => ({ specifier, typeOnly: Boolean(type) }))
}

/** `to`: a path from the root, the `node:` module, or the name of the package. */
export type Import = ImportSpecifier & { from: string; kind: 'file' | 'node' | 'package'; to: string }

export function importsOf(path: string): Import[] {
  return importsIn(read(path)).map((named): Import => {
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
