/**
 * A file cache that many processes share and whose size is limited. Keys are hashed with a secret salt, so a key may
 * contain credentials. The credentials keep the entries of different users apart. Called by the helm and kubectl
 * scripts.
 */
import { createHmac, randomBytes } from 'node:crypto'
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cacheDir } from './cache-dir.mjs'

/** Per kind; the oldest entries are deleted first. */
const maxEntries = 500
/** A lock that was not touched for this time is stale. Its holder touches it every quarter of this time. */
const lockStaleMs = 20_000
const lockPollMs = 50

/**
 * The cached value of `key` if it is younger than freshMs, else the result of `compute`. If `compute` fails, a value up
 * to staleMs old is used. One process computes while the others wait.
 */
export async function getOrCompute(kind, key, { freshMs, staleMs = freshMs }, compute) {
  const file = cachePath(kind, key, '.json')
  const fresh = readFresh(file, freshMs)
  if (fresh !== undefined) return fresh
  return await withFileLock(file, async () => {
    const computedByOther = readFresh(file, freshMs)
    if (computedByOther !== undefined) return computedByOther
    try {
      const value = await compute()
      writeFileAtomically(file, JSON.stringify(value))
      return value
    } catch (error) {
      const stale = readFresh(file, staleMs)
      if (stale !== undefined) return stale
      throw error
    }
  })
}

/** The file path for `key`. The file may not exist. */
export function cachePath(kind, key, extension) {
  const folder = join(cacheDir(), kind)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const name = createHmac('sha256', salt()).update(JSON.stringify(key)).digest('hex').slice(0, 40)
  return join(folder, name + extension)
}

/** The age of a file in ms; Infinity if it does not exist. */
export function ageMs(path) {
  try {
    return Math.max(0, Date.now() - statSync(path).mtimeMs)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** Runs `work` while this process holds the lock for `path`. The lock of a dead process is removed. */
export async function withFileLock(path, work) {
  const lock = `${path}.lock`
  const owner = `${process.pid} ${randomBytes(8).toString('hex')}`
  while (!acquireLock(lock, owner)) {
    if (isStale(lock)) removeStaleLock(lock, owner)
    else await sleep(lockPollMs)
  }
  const keepAlive = setInterval(() => touch(lock), lockStaleMs / 4)
  try {
    return await work()
  } finally {
    clearInterval(keepAlive)
    // A process that stood still for too long has lost its lock to another one.
    if (readFile(lock) === owner) rmSync(lock, { force: true })
  }
}

/** Readers see the old text or the new one. Then evicts old entries. */
export function writeFileAtomically(file, text) {
  const tempFile = `${file}.${randomBytes(6).toString('hex')}.new`
  writeFileSync(tempFile, text, { mode: 0o600 })
  renameSync(tempFile, file)
  evictOldEntries(join(file, '..'))
}

export function evictOldEntries(folder) {
  const entries = readdirSync(folder)
    .filter((name) => !name.endsWith('.lock'))
    .map((name) => ({ path: join(folder, name), entryAgeMs: ageMs(join(folder, name)) }))
  if (entries.length <= maxEntries) return
  entries.sort((first, second) => first.entryAgeMs - second.entryAgeMs)
  for (const { path } of entries.slice(Math.floor(maxEntries * 0.9)))
    rmSync(path, { recursive: true, force: true })
}

function readFresh(file, maxAgeMs) {
  try {
    return ageMs(file) < maxAgeMs ? JSON.parse(readFileSync(file, 'utf8')) : undefined
  } catch {
    return undefined
  }
}

function acquireLock(lock, owner) {
  try {
    writeFileSync(lock, owner, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

/** Whether the owner is dead or has not touched the lock for too long. A lock that does not exist is not stale. */
function isStale(lock) {
  const lockAgeMs = ageMs(lock)
  if (lockAgeMs === Number.POSITIVE_INFINITY) return false
  return lockAgeMs > lockStaleMs || !isProcessAlive(readFile(lock))
}

/**
 * Removes the lock if it is still stale. A second lock admits one process at a time: without it, a slow process could
 * remove the lock that another process has acquired in the meantime.
 */
function removeStaleLock(lock, owner) {
  const guard = `${lock}.guard.lock`
  if (!acquireLock(guard, owner)) {
    const guardAgeMs = ageMs(guard)
    // Its process was killed between two file operations.
    if (guardAgeMs > lockStaleMs && guardAgeMs !== Number.POSITIVE_INFINITY) rmSync(guard, { force: true })
    return
  }
  try {
    if (isStale(lock)) rmSync(lock, { force: true })
  } finally {
    rmSync(guard, { force: true })
  }
}

/** An empty lock counts as alive, because its owner may not have written its process id yet. */
function isProcessAlive(owner) {
  if (owner === undefined) return true
  try {
    process.kill(Number(owner.split(' ')[0]), 0)
    return true
  } catch (error) {
    return error.code !== 'ESRCH'
  }
}

function touch(path) {
  try {
    utimesSync(path, new Date(), new Date())
  } catch {
    // Another process has removed the lock as stale.
  }
}

let cachedSalt
function salt() {
  const file = join(cacheDir(), 'salt')
  cachedSalt ??= readFile(file) ?? createSalt(file)
  return cachedSalt
}

/** If many processes create the salt at once, one wins, and no process reads half of it. */
function createSalt(file) {
  const tempFile = `${file}.${randomBytes(6).toString('hex')}`
  writeFileSync(tempFile, randomBytes(32).toString('hex'), { mode: 0o600 })
  try {
    linkSync(tempFile, file)
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  rmSync(tempFile)
  return readFile(file)
}

function readFile(file) {
  try {
    return readFileSync(file, 'utf8') || undefined
  } catch {
    return undefined
  }
}
