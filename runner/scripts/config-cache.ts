/** The in-process cache of config script answers, before the one in Redis. Used by config-scripts.ts. */
import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { KeyValue } from '../../domain/overrides.ts'
import type { ScriptAnswer } from '../../domain/queue-messages.ts'
import type { ConfigScript } from '../../domain/script.ts'

type Entry = { answer: ScriptAnswer; fetchedAtMs: number }

/** The keys are from {@link configCacheKey}. */
export type ConfigCache = {
  get(key: string): Entry | undefined
  set(key: string, entry: Entry): void
  /** The scripts that run at the moment, by the same keys. */
  inFlight: Map<string, Promise<ScriptAnswer>>
  /** When the failure of a script was last recorded, by the same keys. */
  recordedFailures: Map<string, number>
}

const maxBytes = 32 * 1024 * 1024

/** A config may have a megabyte, so its hash is the key. */
export const configCacheKey = (script: ConfigScript, deployment: readonly KeyValue[]): string =>
  hash('sha256', JSON.stringify([script, deployment]), 'base64')

/** Drops the answers that were used least recently when all together exceed 32 MiB, and those older than `maxAgeMs`. */
export function createConfigCache(maxAgeMs: number): ConfigCache {
  const entries = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    // Two bytes for each character, and the entry itself.
    sizeCalculation: ({ answer }) => JSON.stringify(answer).length * 2 + 500,
    ttl: Math.max(1, Math.round(maxAgeMs)),
  })
  return {
    get: (key) => entries.get(key),
    set: (key, entry) => {
      entries.set(key, entry)
    },
    inFlight: new Map(),
    recordedFailures: new Map(),
  }
}
