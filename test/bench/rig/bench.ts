/** What every row is given: engines, programs to start, a load generator; all of it ends with its scene. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Load, startLoad } from '../load/load.ts'
import { type Engines, startEngines } from './engines.ts'

export type Options = { clients: number; profileTo: string | null }

export type Bench = {
  folder: string
  engines: Engines
  options: Options
  load: Load
  /** Runs before the scene is left, last first. */
  closing(close: () => Promise<unknown>): void
  /** A name nobody has had in this run. */
  fresh(what: string): string
}

export type Closers = { add(close: () => Promise<unknown>): void; close(): Promise<void> }

/** Closing twice, e.g. because of a signal, is closing once; what is opened afterwards is closed at once. */
export function createClosers(): Closers {
  const closers: (() => Promise<unknown>)[] = []
  let closing: Promise<void> | null = null
  const closeAll = async () => {
    for (let close = closers.pop(); close; close = closers.pop()) await close()
  }
  return {
    add(close) {
      closers.push(close)
      if (closing !== null) closing = closing.then(closeAll)
    },
    close() {
      closing ??= closeAll()
      return closing
    },
  }
}

export async function openBench(options: Options, closers: Closers): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'octopod-bench-'))
  // As root, PostgreSQL runs under another account, which must pass through.
  chmodSync(folder, 0o711)
  closers.add(async () => rmSync(folder, { recursive: true, force: true }))
  const engines = await startEngines(folder, closers.add)
  const load = startLoad()
  closers.add(load.stop)
  let count = 0
  const fresh = (what: string) => {
    count += 1
    return `${what}_${count}`
  }
  return { folder, engines, options, load, closing: closers.add, fresh }
}

/** The bench with closers of its own: what the scene opened is closed when `act` ends, however it ends. */
export async function inScene<T>(bench: Bench, act: (scene: Bench) => Promise<T>): Promise<T> {
  const closers = createClosers()
  // Should the whole bench end early, so does the scene.
  bench.closing(closers.close)
  try {
    return await act({ ...bench, closing: closers.add })
  } finally {
    await closers.close()
  }
}
