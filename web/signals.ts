/**
 * Values that know who has read them, and tell only those: the part of @preact/signals that the page uses, in a third of its
 * bytes. test/web/signals.test.ts runs both side by side. How components read them: preact-signals.ts.
 */

export type ReadonlySignal<T> = {
  readonly value: T
  /** The value, without being told of its changes. */
  peek(): T
  subscribe(hear: (value: T) => void): () => void
}
export type Signal<T> = ReadonlySignal<T> & { value: T }

/** Called when the first one reads and is to be told, and when the last one no longer is. */
type Ways = { watched?(): void; unwatched?(): void }

/** Whoever reads: with each source the version that was read. `active`: wants to be told. */
export type Reader = { sources: Map<Source<unknown>, number>; readonly active: boolean; notify(): void }

/** Who is reading just now, and what waits for the end of the outermost batch. */
const now = { reader: null as Reader | null, depth: 0, queue: new Set<() => void>() }

class Source<T> {
  version = 0
  held: T
  readonly ways: Ways
  readonly readers = new Set<Reader>()
  constructor(value: T, ways: Ways) {
    this.held = value
    this.ways = ways
  }
  update(): void {}
  peek(): T {
    aside(() => this.update())
    return this.held
  }
  get value(): T {
    const { reader } = now
    if (reader?.active) this.join(reader)
    const value = this.peek()
    reader?.sources.set(this as Source<unknown>, this.version)
    return value
  }
  set value(value: T) {
    if (value === this.held) return
    this.held = value
    this.version += 1
    this.tell()
  }
  tell(): void {
    batch(() => {
      for (const reader of [...this.readers]) reader.notify()
    })
  }
  join(reader: Reader): void {
    if (this.readers.size === 0) aside(() => this.ways.watched?.())
    this.readers.add(reader)
  }
  leave(reader: Reader): void {
    if (this.readers.delete(reader) && this.readers.size === 0) aside(() => this.ways.unwatched?.())
  }
  subscribe(hear: (value: T) => void): () => void {
    return effect(() => {
      const { value } = this
      aside(() => hear(value))
    })
  }
}

class Computed<T> extends Source<T> implements Reader {
  sources = new Map<Source<unknown>, number>()
  /** Something it was made of may have changed. */
  stale = false
  known = false
  readonly make: () => T
  constructor(make: () => T) {
    super(undefined as T, {})
    this.make = make
  }
  get active(): boolean {
    return this.readers.size > 0
  }
  override update(): void {
    if (this.known && ((this.active && !this.stale) || !hasChanged(this))) {
      this.stale = false
      return
    }
    this.stale = this.known = false
    const value = track(this, this.make)
    this.known = true
    if (value === this.held && this.version > 0) return
    this.held = value
    this.version += 1
  }
  override join(reader: Reader): void {
    if (!this.active) {
      this.stale = true
      for (const source of this.sources.keys()) source.join(this)
    }
    super.join(reader)
  }
  override leave(reader: Reader): void {
    super.leave(reader)
    if (!this.active) for (const source of this.sources.keys()) source.leave(this)
  }
  notify(): void {
    if (this.stale) return
    this.stale = true
    this.tell()
  }
}

export const signal = <T>(value: T, ways: Ways = {}): Signal<T> => new Source(value, ways)
export const computed = <T>(make: () => T): ReadonlySignal<T> => new Computed(make)

/** Runs now and after every change of what it has read; what it gives back runs before the next time. Gives its end. */
export function effect(act: () => unknown): () => void {
  let cleanUp: unknown
  let ended = false
  let ran = false
  const run = () => {
    if (ended || (ran && !hasChanged(reader))) return
    ran = true
    tidy()
    cleanUp = track(reader, act)
    if (ended) end()
  }
  const reader: Reader = { sources: new Map(), active: true, notify: () => void now.queue.add(run) }
  const tidy = () => {
    const last = cleanUp
    cleanUp = undefined
    if (typeof last === 'function') aside(() => last())
  }
  const end = () => {
    ended = true
    anew(reader)()
    tidy()
  }
  batch(run)
  return end
}

/** Everybody is told once, at the end. */
export function batch<T>(act: () => T): T {
  now.depth += 1
  try {
    return act()
  } finally {
    try {
      if (now.depth === 1) settle()
    } finally {
      now.depth -= 1
    }
  }
}

/** More effects than that at once have set each other off for ever. */
const mostRuns = 100_000

function settle(): void {
  let failed: { error: unknown } | null = null
  let left = mostRuns
  for (const run of now.queue) {
    left -= 1
    if (left < 0) {
      now.queue.clear()
      throw new Error('effects without end')
    }
    now.queue.delete(run)
    try {
      run()
    } catch (error) {
      failed ??= { error }
    }
  }
  if (failed !== null) throw failed.error
}

/** Begins to read on behalf of `reader`; gives back who did before. */
export function enter(reader: Reader | null): Reader | null {
  const before = now.reader
  now.reader = reader
  return before
}

/** Forgets what `reader` has read; what is called then lets go of all it has not read again. */
export function anew(reader: Reader): () => void {
  const old = reader.sources
  reader.sources = new Map()
  return () => {
    for (const source of old.keys()) if (!reader.sources.has(source)) source.leave(reader)
  }
}

function track<T>(reader: Reader, act: () => T): T {
  const letGo = anew(reader)
  try {
    return as(reader, act)
  } finally {
    letGo()
  }
}

function hasChanged({ sources }: Reader): boolean {
  for (const [source, version] of sources) {
    try {
      source.peek()
    } catch {
      return true
    }
    if (source.version !== version) return true
  }
  return false
}

function as<T>(reader: Reader | null, act: () => T): T {
  const before = enter(reader)
  try {
    return act()
  } finally {
    enter(before)
  }
}

/** Nobody reads meanwhile. */
const aside = (act: () => void) => as(null, act)
