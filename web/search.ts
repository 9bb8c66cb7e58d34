/** Finding deployments by what people type: the words, the text they are looked for in, the places they are found at. Pure. */
import type { Override } from '../domain/overrides.ts'
import type { FullInfo } from '../domain/shapes.ts'

export const wordsOf = (query: string): string[] => query.toLowerCase().split(/\s+/).filter(Boolean)

/** Name, config keys and values, in small letters. */
export function searchText({ deployment }: FullInfo): string {
  const text = ([key, value]: Override) => `${key}=${value.tag === 'ValueAdded' ? value.contents : ''}`
  const overrides = [...deployment.app_overrides, ...deployment.deployment_overrides] as Override[]
  return [deployment.name, ...overrides.map(text)].join('\n').toLowerCase()
}

/** The pieces of a text, those that match one of the words told apart. */
export function marks(text: string, words: readonly string[]): { text: string; hit: boolean }[] {
  if (words.length === 0) return [{ text, hit: false }]
  const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return text
    .split(new RegExp(`(${escaped.join('|')})`, 'gi'))
    .map((piece, at) => ({ text: piece, hit: at % 2 === 1 }))
    .filter((piece) => piece.text !== '')
}
