/**
 * What every benchmark receives: datastores, a load generator, a temporary folder, and a way to register what
 * must be closed at the end.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LoadGenerator, startLoadGenerator } from '../load-generator/start.ts'
import { type Datastores, startDatastores } from './datastores.ts'

export type Options = { clients: number; seconds: number; profileTo: string | null }

export type Bench = {
  folder: string
  datastores: Datastores
  options: Options
  load: LoadGenerator
  /** Registers a function that runs at the end, in reverse order. */
  onClose(close: () => Promise<unknown>): void
  /** A name that is unique in this run. */
  uniqueName(description: string): string
}

export type Cleanup = { add(close: () => Promise<unknown>): void; close(): Promise<void> }

/** A second close(), e.g. after a signal, has no effect. What is added after close() is closed at once. */
export function createCleanup(): Cleanup {
  const functions: (() => Promise<unknown>)[] = []
  let closing: Promise<void> | null = null
  const closeAll = async () => {
    for (let close = functions.pop(); close; close = functions.pop()) await close()
  }
  return {
    add(close) {
      functions.push(close)
      if (closing !== null) closing = closing.then(closeAll)
    },
    close() {
      closing ??= closeAll()
      return closing
    },
  }
}

export async function openBench(options: Options, cleanup: Cleanup): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'octopod-bench-'))
  // When root starts it, PostgreSQL runs under another account, which must be able to enter the folder.
  chmodSync(folder, 0o711)
  cleanup.add(async () => rmSync(folder, { recursive: true, force: true }))
  const datastores = await startDatastores(folder, cleanup.add)
  const load = startLoadGenerator()
  cleanup.add(load.stop)
  let count = 0
  const uniqueName = (description: string) => {
    count += 1
    return `${description}_${count}`
  }
  return { folder, datastores, options, load, onClose: cleanup.add, uniqueName }
}

/** Runs a benchmark with a cleanup of its own: what it opened is closed at its end, also after an error. */
export async function runIsolated<T>(bench: Bench, run: (scope: Bench) => Promise<T>): Promise<T> {
  const cleanup = createCleanup()
  // When the whole bench ends early, this benchmark ends too.
  bench.onClose(cleanup.close)
  try {
    return await run({ ...bench, onClose: cleanup.add })
  } finally {
    await cleanup.close()
  }
}
