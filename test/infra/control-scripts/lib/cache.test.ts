/**
 * The cache of the control scripts: shared by processes, private, limited in size, and separate for each credential.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import fs, {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { controlScriptsDir, importModule } from '../control-scripts.ts'

const folder = mkdtempSync(join(tmpdir(), 'octopod-cache-'))
after(() => rmSync(folder, { recursive: true, force: true }))
process.env.OCTOPOD_SCRIPTS_CACHE = join(folder, 'kept')

type Limits = { freshMs: number; staleMs?: number }
type Cache = {
  getOrCompute<Value>(
    kind: string,
    key: unknown,
    limits: Limits,
    compute: () => Promise<Value>,
  ): Promise<Value>
  cachePath(kind: string, key: unknown, extension: string): string
  writeFileAtomically(file: string, text: string): void
}
const { getOrCompute, cachePath, writeFileAtomically } = await importModule<Cache>('lib/cache.mjs')
const { withPrivateFolder } = await importModule<{
  withPrivateFolder<T>(work: (path: string) => Promise<T>): Promise<T>
}>('lib/cache-dir.mjs')
const day = 24 * 60 * 60_000

const age = (kind: string, key: unknown, ageMs: number) => {
  const at = new Date(Date.now() - ageMs)
  utimesSync(cachePath(kind, key, '.json'), at, at)
}

test('A value is computed once while it is fresh, and again afterwards', async () => {
  let count = 0
  const compute = async () => ++count
  assert.equal(await getOrCompute('a', 'key', { freshMs: day }, compute), 1)
  assert.equal(await getOrCompute('a', 'key', { freshMs: day }, compute), 1)
  assert.equal(await getOrCompute('a', 'other', { freshMs: day }, compute), 2)
  age('a', 'key', 2 * day)
  assert.equal(await getOrCompute('a', 'key', { freshMs: day }, compute), 3)
})

test('An older value is used while a new one cannot be computed, up to staleMs', async () => {
  const fails = async () => assert.fail('unreachable')
  await getOrCompute('b', 'key', { freshMs: 1000 }, async () => 'old')
  age('b', 'key', day)
  assert.equal(await getOrCompute('b', 'key', { freshMs: 1000, staleMs: 2 * day }, fails), 'old')
  await assert.rejects(getOrCompute('b', 'key', { freshMs: 1000 }, fails), /unreachable/)
})

test('One of many processes computes the value; the lock of a dead process does not block the others', async () => {
  const lock = `${cachePath('c', 'key', '.json')}.lock`
  // No process has this id; real ids are smaller.
  writeFileSync(lock, '4194999')
  const code = `
    import { getOrCompute } from ${JSON.stringify(join(controlScriptsDir, 'lib/cache.mjs'))}
    import { appendFileSync } from 'node:fs'
    console.log(await getOrCompute('c', 'key', { freshMs: 60000 }, async () => {
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

/** Runs `meanwhile` before the first result of `method` for this file: other processes act between two steps of this one. */
function interruptFirst(
  context: TestContext,
  method: 'statSync' | 'readFileSync',
  file: string,
  meanwhile: (proceed: () => unknown) => unknown,
) {
  const real = fs[method] as (...args: unknown[]) => unknown
  let isFirst = true
  const mock = context.mock.method(fs, method, (...args: unknown[]) => {
    if (args[0] !== file || !isFirst) return real(...args)
    isFirst = false
    return meanwhile(() => real(...args))
  })
  syncBuiltinESMExports()
  context.after(() => {
    mock.mock.restore()
    syncBuiltinESMExports()
  })
}

/** Waits for the lock until another process, played by this test, releases it. Returns who held the lock at the end. */
async function ownersSeen(lock: string, kind: string): Promise<string[]> {
  const seen: string[] = []
  const waiting = getOrCompute(kind, 'key', { freshMs: day }, async () => {
    seen.push(existsSync(lock) ? readFileSync(lock, 'utf8') : 'none')
    return 'value'
  })
  await delay(200)
  seen.push(existsSync(lock) ? readFileSync(lock, 'utf8') : 'none')
  rmSync(lock, { force: true })
  await waiting
  return seen
}

test('A waiting process does not remove the lock that another acquires when the first releases it', async (context) => {
  const lock = `${cachePath('race', 'key', '.json')}.lock`
  const other = `${process.pid} other`
  writeFileSync(lock, `${process.pid} first`)
  interruptFirst(context, 'statSync', lock, (proceed) => {
    rmSync(lock)
    try {
      return proceed()
    } finally {
      writeFileSync(lock, other)
    }
  })
  const [heldWhileWaiting] = await ownersSeen(lock, 'race')
  assert.equal(heldWhileWaiting, other)
})

test('A slow process does not remove the lock of the one that has replaced a dead process', async (context) => {
  const lock = `${cachePath('slow', 'key', '.json')}.lock`
  const other = `${process.pid} other`
  writeFileSync(lock, '4194999')
  interruptFirst(context, 'readFileSync', lock, (proceed) => {
    const text = proceed()
    writeFileSync(lock, other)
    return text
  })
  const [heldWhileWaiting] = await ownersSeen(lock, 'slow')
  assert.equal(heldWhileWaiting, other)
})

test('A process that stood still does not release the lock of its successor', async () => {
  const lock = `${cachePath('frozen', 'key', '.json')}.lock`
  await getOrCompute('frozen', 'key', { freshMs: day }, async () => {
    writeFileSync(lock, `${process.pid} successor`)
    return 'value'
  })
  assert.equal(readFileSync(lock, 'utf8'), `${process.pid} successor`)
})

test('Other users cannot read the cache, and no file shows a key', async () => {
  await getOrCompute('d', ['repository', 'user', 'secret password'], { freshMs: day }, async () => 1)
  const mode = (path: string) => statSync(path).mode & 0o777
  const root = join(folder, 'kept')
  assert.equal(mode(root), 0o700)
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    assert.equal(mode(path) & 0o077, 0, path)
    if (entry.isFile()) assert.doesNotMatch(readFileSync(path, 'utf8') + path, /secret password/)
  }
})

test('The newest 500 entries of a kind are kept', () => {
  for (let index = 0; index < 520; index += 1) writeFileAtomically(cachePath('e', index, '.json'), `${index}`)
  const remaining = readdirSync(join(folder, 'kept/e'))
  assert.ok(remaining.length <= 500 && remaining.length >= 400, `${remaining.length}`)
  assert.equal(readFileSync(cachePath('e', 519, '.json'), 'utf8'), '519')
})

test('A truncated file is ignored', async () => {
  writeFileAtomically(cachePath('f', 'key', '.json'), '{"half":')
  assert.equal(await getOrCompute('f', 'key', { freshMs: day }, async () => 'whole'), 'whole')
})

test('A private folder is removed after its work, also after a failure; an abandoned folder is removed too', async () => {
  const parent = join(folder, 'kept/private')
  mkdirSync(join(parent, 'x-abandoned'), { recursive: true })
  const old = new Date(Date.now() - day)
  utimesSync(join(parent, 'x-abandoned'), old, old)
  const used = await withPrivateFolder(async (path) => path)
  await assert.rejects(withPrivateFolder(async () => assert.fail('no')))
  assert.match(used, /private\/x-/)
  assert.deepEqual(readdirSync(parent), [])
})
