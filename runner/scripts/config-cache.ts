/** The in-process cache of config script answers, before the one in Redis. Used by config-scripts.ts. */
import type { ScriptAnswer } from '../../domain/queue-messages.ts'

type Entry = { answer: ScriptAnswer; fetchedAtMs: number }

export type ConfigCache = {
  get(key: string): Entry | undefined
  set(key: string, entry: Entry): void
  /** The scripts that run at the moment, by the same keys. */
  inFlight: Map<string, Promise<ScriptAnswer>>
}

const maxEntries = 1000

/** The cache drops its oldest entry when there are more than 1000. */
export function createConfigCache(): ConfigCache {
  const entries = new Map<string, Entry>()
  return {
    get: (key) => entries.get(key),
    set(key, entry) {
      entries.delete(key)
      entries.set(key, entry)
      const oldest = entries.keys().next()
      if (entries.size > maxEntries && !oldest.done) entries.delete(oldest.value)
    },
    inFlight: new Map(),
  }
}
