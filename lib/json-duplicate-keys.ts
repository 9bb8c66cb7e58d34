/** Finds a key that an object of a JSON text has twice. JSON.parse keeps the last one and says nothing. */

/** Deeper than any body of the API. */
const maxDepth = 64

/** A string with the colon that makes it a key, or a bracket. Other tokens contain neither. */
const token = /"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?|[{}[\]]/g

/**
 * `text` must be valid JSON. Returns null when all keys are unique. Throws a RangeError for a text with more than 64
 * levels. A loop, because a recursive reader fails on a text with many levels.
 */
export function findDuplicateKey(text: string): string | null {
  /** The keys so far of each object around the current token; null for an array. */
  const levels: (Set<string> | null)[] = []
  for (const [bracket, content, colon] of text.matchAll(token)) {
    if (bracket === '{' || bracket === '[') {
      levels.push(bracket === '{' ? new Set() : null)
      if (levels.length > maxDepth) throw new RangeError(`more than ${maxDepth} levels`)
    } else if (bracket === '}' || bracket === ']') {
      levels.pop()
    } else if (colon !== undefined && content !== undefined) {
      const key = content.includes('\\') ? (JSON.parse(`"${content}"`) as string) : content
      const keys = levels.at(-1)
      if (keys?.has(key)) return key
      keys?.add(key)
    }
  }
  return null
}
