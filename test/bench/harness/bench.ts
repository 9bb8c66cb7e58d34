/** What every row is given: engines, programs to start, a load generator; all of it ends with its scene. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LoadGenerator, startLoadGenerator } from '../load-generator/start.ts'
import { type Datastores, startDatastores } from './datastores.ts'

export type Options = { clients: number; profileTo: string | null }

export type Bench = {
  folder: string
  datastores: Datastores
  options: Options
  load: LoadGenerator
  /** Runs before the scene is left, last first. */
  onClose(close: () => Promise<unknown>): void
  /** A name nobody has had in this run. */
  uniqueName(description: string): string
}

export type Cleanup = { add(close: () => Promise<unknown>): void; close(): Promise<void> }

/** Closing twice, e.g. because of a signal, is closing once; what is opened afterwards is closed at once. */
export function createCleanup(): Cleanup {
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

export async function openBench(options: Options, closers: Cleanup): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'octopod-bench-'))
  // As root, PostgreSQL runs under another account, which must pass through.
  chmodSync(folder, 0o711)
  closers.add(async () => rmSync(folder, { recursive: true, force: true }))
  const engines = await startDatastores(folder, closers.add)
  const load = startLoadGenerator()
  closers.add(load.stop)
  let count = 0
  const fresh = (description: string) => {
    count += 1
    return `${description}_${count}`
  }
  return { folder, datastores: engines, options, load, onClose: closers.add, uniqueName: fresh }
}

/** The bench with closers of its own: what the scene opened is closed when `act` ends, however it ends. */
export async function runIsolated<T>(bench: Bench, act: (scene: Bench) => Promise<T>): Promise<T> {
  const closers = createCleanup()
  // Should the whole bench end early, so does the scene.
  bench.onClose(closers.close)
  try {
    return await act({ ...bench, onClose: closers.add })
  } finally {
    await closers.close()
  }
}
