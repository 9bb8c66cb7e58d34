/** What this runner remembers of the config scripts: answers it has seen, and scripts that are answering right now. */
import type { ScriptAnswer } from '../../domain/queue-messages.ts'

export type ConfigCache = {
  entries: Map<string, { fetchedAtMs: number; answer: ScriptAnswer }>
  inFlight: Map<string, Promise<ScriptAnswer>>
}

export const createConfigCache = (): ConfigCache => ({ entries: new Map(), inFlight: new Map() })

const maxEntries = 1000

/** The oldest is forgotten when there are too many. */
export function cacheAnswer(
  { entries }: ConfigCache,
  key: string,
  fetchedAtMs: number,
  answer: ScriptAnswer,
): void {
  entries.delete(key)
  entries.set(key, { fetchedAtMs, answer })
  const oldest = entries.keys().next()
  if (entries.size > maxEntries && !oldest.done) entries.delete(oldest.value)
}
