/** Checks the imports of every source file against import-rules.ts, and that there are no cycles and no barrels. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  allowedImports,
  buildPrograms,
  type ImportRule,
  importRules,
  mayUseChildProcess,
  subfolderRules,
  typeOnlyPackages,
} from './import-rules.ts'
import {
  files,
  type Import,
  importsIn,
  importsOf,
  parseImports,
  read,
  root,
  sources,
  type TopFolder,
  topFolderOf,
} from './repository.ts'

const allImports: Import[] = sources().flatMap(importsOf)
const describeImport = ({ from, specifier }: Import) => `${from} imports ${specifier}`
const subfolderOf = (path: string) => Object.keys(subfolderRules).find((folder) => path.startsWith(folder))

function ruleOf(path: string): ImportRule {
  const subfolder = subfolderOf(path)
  return {
    ...importRules[topFolderOf(path) as TopFolder],
    ...(subfolder === undefined ? {} : subfolderRules[subfolder]),
  }
}

/** Whether import-rules.ts allows the import. Existing files, cycles and child processes are checked apart. */
function isAllowed({ from, kind, to, typeOnly }: Import): boolean {
  const [fromFolder, rule] = [topFolderOf(from), ruleOf(from)]
  if (fromFolder === 'test') return true
  switch (kind) {
    case 'node':
      return rule.mayUseNode || from in buildPrograms
    case 'package':
      if (typeOnly && typeOnlyPackages[`${fromFolder} → ${to}`] !== undefined) return true
      return to in rule.packages || (buildPrograms[from]?.packages.includes(to) ?? false)
    case 'file': {
      if (`${from} → ${to}` in allowedImports) return true
      const toFolder = topFolderOf(to) as TopFolder
      if (fromFolder !== toFolder && !rule.folders.includes(toFolder)) return false
      return !to.startsWith('lib/node/') || rule.mayUseNode
    }
  }
}

const mayStartPrograms = ({ from, to }: Import): boolean =>
  to !== 'node:child_process' || ['infra', 'test'].includes(topFolderOf(from)) || from in mayUseChildProcess

test('Every form of import is found, and none in a comment', () => {
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

test('Every relative import names an existing file with its ending', () => {
  const wrong = allImports.filter(
    ({ kind, to }) => kind === 'file' && !(/\.(ts|json)$/.test(to) && existsSync(join(root, to))),
  )
  assert.deepEqual(wrong.map(describeImport), [])
})

test('Every folder imports only what its rule allows', () => {
  assert.deepEqual(allImports.filter((one) => !isAllowed(one)).map(describeImport), [])
})

test('A forbidden import is found', () => {
  const planted = [
    ['lib/delay.ts', "import { z } from 'zod'"],
    ['lib/delay.ts', "import { spawnProgram } from './node/spawn-program.ts'"],
    ['domain/actions.ts', "import { readFileSync } from 'node:fs'"],
    ['domain/actions.ts', "import type { Database } from '../db/pool.ts'"],
    ['client/errors.ts', "import { z } from 'zod'"],
    ['client/errors.ts', "import { readFileSync } from 'node:fs'"],
    ['client/errors.ts', "import { toasts } from '../web/ui/toasts.ts'"],
    ['client/errors.ts', "import { CliError } from '../octo/errors/cli-error.ts'"],
    ['domain/actions.ts', "import { ApiError } from '../client/errors.ts'"],
    ['db/pool.ts', "import { main } from '../runner/main.ts'"],
    ['functions/app.ts', "import type { RunnerContext } from '../runner/context.ts'"],
    ['functions/app.ts', "import { Redis } from 'ioredis'"],
    ['runner/main.ts', "import { createApp } from '../functions/app.ts'"],
    ['web/main.ts', "import { join } from 'node:path'"],
    ['web/main.ts', "import { spawnProgram } from '../lib/node/spawn-program.ts'"],
    ['octo/main.ts', "import { createPool } from '../db/pool.ts'"],
    ['infra/dev/start.ts', "import { createApp } from '../../functions/app.ts'"],
    ['runner/main.ts', "import { read } from '../test/architecture/repository.ts'"],
  ] as const
  for (const [path, line] of planted)
    for (const one of parseImports(path, line)) assert.equal(isAllowed(one), false, describeImport(one))
  const [spawn] = parseImports('functions/app.ts', "import { spawn } from 'node:child_process'")
  assert.ok(spawn !== undefined && !mayStartPrograms(spawn))
})

test('Only listed files start other programs', () => {
  assert.deepEqual(allImports.filter((one) => !mayStartPrograms(one)).map(describeImport), [])
})

test('domain uses no clock, no random numbers, no environment and no network', () => {
  const impure = /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.|\bfetch\(|\bsetTimeout\b/
  const wrong = sources().filter((path) => topFolderOf(path) === 'domain' && impure.test(read(path)))
  assert.deepEqual(wrong, [])
})

test('There are no import cycles, not even of types', () => {
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

test('There are no default exports and no barrels', () => {
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

test('Every entry of import-rules.ts is still needed', () => {
  const found = new Set(allImports.map(({ from, to }) => `${from} → ${to}`))
  const foundByFolder = new Set(allImports.map(({ from, to }) => `${topFolderOf(from)} → ${to}`))
  for (const one of Object.keys(allowedImports)) assert.ok(found.has(one), one)
  for (const one of Object.keys(typeOnlyPackages)) assert.ok(foundByFolder.has(one), one)
  for (const path of Object.keys(buildPrograms)) assert.ok(files().includes(path), path)
  for (const path of Object.keys(mayUseChildProcess))
    assert.ok(found.has(`${path} → node:child_process`), path)
  for (const folder of Object.keys(subfolderRules))
    assert.ok(
      sources().some((path) => path.startsWith(folder)),
      folder,
    )
  // The packages of infra are imported by its .mjs files.
  for (const [folder, { packages }] of Object.entries(importRules).filter(([one]) => one !== 'infra'))
    for (const name of Object.keys(packages))
      assert.ok(foundByFolder.has(`${folder} → ${name}`), `${folder}: ${name}`)
})
