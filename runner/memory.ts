/** What this runner remembers of the config scripts: answers it has seen, and scripts that are answering right now. */
import type { Answer } from '../domain/job.ts'

export type Memory = {
  seen: Map<string, { at: number; answer: Answer }>
  asking: Map<string, Promise<Answer>>
}

export const createMemory = (): Memory => ({ seen: new Map(), asking: new Map() })

const maxSeen = 1000

/** The oldest is forgotten when there are too many. */
export function remember({ seen }: Memory, key: string, at: number, answer: Answer): void {
  seen.delete(key)
  seen.set(key, { at, answer })
  const oldest = seen.keys().next()
  if (seen.size > maxSeen && !oldest.done) seen.delete(oldest.value)
}
