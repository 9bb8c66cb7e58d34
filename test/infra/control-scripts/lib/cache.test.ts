/** What scripts keep between calls: made once by many, private, bounded, and never served to another. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { controlScriptsDir, importModule } from '../control-scripts.ts'

const folder = mkdtempSync(join(tmpdir(), 'octopod-cache-'))
after(() => rmSync(folder, { recursive: true, force: true }))
process.env.OCTOPOD_SCRIPTS_CACHE = join(folder, 'kept')

type Limits = { freshMs: number; staleMs?: number }
type Cache = {
  remembered<Value>(kind: string, key: unknown, limits: Limits, make: () => Promise<Value>): Promise<Value>
  cacheFile(kind: string, key: unknown, ending: string): string
  writeWhole(file: string, text: string): void
}
const { remembered, cacheFile, writeWhole } = await importModule<Cache>('lib/cache.mjs')
const { inPrivateFolder } = await importModule<{
  inPrivateFolder<T>(work: (path: string) => Promise<T>): Promise<T>
}>('lib/place.mjs')
const day = 24 * 60 * 60_000

const age = (kind: string, key: unknown, ageMs: number) => {
  const at = new Date(Date.now() - ageMs)
  utimesSync(cacheFile(kind, key, '.json'), at, at)
}

test('a value is made once while it is fresh, and anew afterwards', async () => {
  let count = 0
  const make = async () => ++count
  assert.equal(await remembered('a', 'key', { freshMs: day }, make), 1)
  assert.equal(await remembered('a', 'key', { freshMs: day }, make), 1)
  assert.equal(await remembered('a', 'other', { freshMs: day }, make), 2)
  age('a', 'key', 2 * day)
  assert.equal(await remembered('a', 'key', { freshMs: day }, make), 3)
})

test('an older value stands in while a new one cannot be made, up to its limit', async () => {
  const fails = async () => assert.fail('away')
  await remembered('b', 'key', { freshMs: 1000 }, async () => 'old')
  age('b', 'key', day)
  assert.equal(await remembered('b', 'key', { freshMs: 1000, staleMs: 2 * day }, fails), 'old')
  await assert.rejects(remembered('b', 'key', { freshMs: 1000 }, fails), /away/)
})

test('of many processes at once one makes the value; one that died at it does not hold up the others', async () => {
  const lock = `${cacheFile('c', 'key', '.json')}.lock`
  // The process id of nobody: they end far below.
  writeFileSync(lock, '4194999')
  const code = `
    import { remembered } from ${JSON.stringify(join(controlScriptsDir, 'lib/cache.mjs'))}
    import { appendFileSync } from 'node:fs'
    console.log(await remembered('c', 'key', { freshMs: 60000 }, async () => {
      appendFileSync(${JSON.stringify(join(folder, 'made'))}, 'x')
      await new Promise((resolve) => setTimeout(resolve, 300))
      return 'value'
    }))`
  const all = Array.from(
    { length: 6 },
    () =>
      new Promise((resolve) =>
        execFile(process.execPath, ['--input-type=module', '-e', code], { env: process.env }, (_, stdout) =>
          resolve(stdout),
        ),
      ),
  )
  assert.deepEqual(new Set(await Promise.all(all)), new Set(['value\n']))
  assert.equal(readFileSync(join(folder, 'made'), 'utf8'), 'x')
})

test('nobody else can read what is kept, and nothing in it tells a key', async () => {
  await remembered('d', ['repository', 'user', 'secret password'], { freshMs: day }, async () => 1)
  const mode = (path: string) => statSync(path).mode & 0o777
  const root = join(folder, 'kept')
  assert.equal(mode(root), 0o700)
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    assert.equal(mode(path) & 0o077, 0, path)
    if (entry.isFile()) assert.doesNotMatch(readFileSync(path, 'utf8') + path, /secret password/)
  }
})

test('of one kind 500 are kept, the newest', () => {
  for (let at = 0; at < 520; at += 1) writeWhole(cacheFile('e', at, '.json'), `${at}`)
  const left = readdirSync(join(folder, 'kept/e'))
  assert.ok(left.length <= 500 && left.length >= 400, `${left.length}`)
  assert.equal(readFileSync(cacheFile('e', 519, '.json'), 'utf8'), '519')
})

test('half a file is no value', async () => {
  writeWhole(cacheFile('f', 'key', '.json'), '{"half":')
  assert.equal(await remembered('f', 'key', { freshMs: day }, async () => 'whole'), 'whole')
})

test('a private folder is gone after its work, also after one that failed; an abandoned one is swept', async () => {
  const above = join(folder, 'kept/private')
  mkdirSync(join(above, 'x-abandoned'), { recursive: true })
  const old = new Date(Date.now() - day)
  utimesSync(join(above, 'x-abandoned'), old, old)
  const used = await inPrivateFolder(async (path) => path)
  await assert.rejects(inPrivateFolder(async () => assert.fail('no')))
  assert.match(used, /private\/x-/)
  assert.deepEqual(readdirSync(above), [])
})
