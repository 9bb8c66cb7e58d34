/**
 * What scripts remember between calls: JSON in files, written by many processes at once, bounded. A key is hashed with the
 * secret salt of this cache, so that credentials can be part of it: what was got with one's is never given to another.
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
import { cacheRoot } from './cache-dir.mjs'

/** Entries of one kind; the ones not used for the longest time go first. */
const mostEntries = 500
/** Whoever holds a lock touches it far more often than this. */
const lockStaleMs = 20_000
const lockWaitMs = 50

/**
 * The value of `key` if it is younger than freshMs, else what `make` gives; if that fails, an older one up to staleMs.
 * One script makes it while the others wait.
 */
export async function remembered(kind, key, { freshMs, staleMs = freshMs }, make) {
  const file = cacheFile(kind, key, '.json')
  const young = read(file, freshMs)
  if (young !== undefined) return young
  return await alone(file, async () => {
    const made = read(file, freshMs)
    if (made !== undefined) return made
    try {
      const value = await make()
      writeWhole(file, JSON.stringify(value))
      return value
    } catch (error) {
      const old = read(file, staleMs)
      if (old !== undefined) return old
      throw error
    }
  })
}

/** The path at which `key` is kept, whether it is there or not. */
export function cacheFile(kind, key, ending) {
  const folder = join(cacheRoot(), kind)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const name = createHmac('sha256', salt()).update(JSON.stringify(key)).digest('hex').slice(0, 40)
  return join(folder, name + ending)
}

/** Age in ms; Infinity when it is not there. */
export function ageOf(path) {
  try {
    return Math.max(0, Date.now() - statSync(path).mtimeMs)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** Runs `work` while no other script runs it for the same path; a dead one's lock is broken. */
export async function alone(path, work) {
  const lock = `${path}.lock`
  while (!take(lock)) {
    if (ageOf(lock) > lockStaleMs || !lives(readFile(lock))) rmSync(lock, { force: true })
    else await sleep(lockWaitMs)
  }
  const keep = setInterval(() => touch(lock), lockStaleMs / 4)
  try {
    return await work()
  } finally {
    clearInterval(keep)
    rmSync(lock, { force: true })
  }
}

/** A reader sees the old text or the new one. Older entries make room. */
export function writeWhole(file, text) {
  const half = `${file}.${randomBytes(6).toString('hex')}.new`
  writeFileSync(half, text, { mode: 0o600 })
  renameSync(half, file)
  makeRoom(join(file, '..'))
}

export function makeRoom(folder) {
  const entries = readdirSync(folder)
    .filter((name) => !name.endsWith('.lock'))
    .map((name) => ({ path: join(folder, name), ageMs: ageOf(join(folder, name)) }))
  if (entries.length <= mostEntries) return
  entries.sort((one, other) => one.ageMs - other.ageMs)
  for (const { path } of entries.slice(Math.floor(mostEntries * 0.9)))
    rmSync(path, { recursive: true, force: true })
}

function read(file, limitMs) {
  try {
    return ageOf(file) < limitMs ? JSON.parse(readFileSync(file, 'utf8')) : undefined
  } catch {
    return undefined
  }
}

function take(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

/** Its holder may not have written its process id yet. */
function lives(pid) {
  if (pid === undefined) return true
  try {
    process.kill(Number(pid), 0)
    return true
  } catch (error) {
    return error.code !== 'ESRCH'
  }
}

function touch(path) {
  try {
    utimesSync(path, new Date(), new Date())
  } catch {
    // Whoever took us for dead has it now.
  }
}

let ownSalt
function salt() {
  const file = join(cacheRoot(), 'salt')
  ownSalt ??= readFile(file) ?? makeSalt(file)
  return ownSalt
}

/** Of many at once, one makes it; nobody sees half of it. */
function makeSalt(file) {
  const own = `${file}.${randomBytes(6).toString('hex')}`
  writeFileSync(own, randomBytes(32).toString('hex'), { mode: 0o600 })
  try {
    linkSync(own, file)
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  rmSync(own)
  return readFile(file)
}

function readFile(file) {
  try {
    return readFileSync(file, 'utf8') || undefined
  } catch {
    return undefined
  }
}
