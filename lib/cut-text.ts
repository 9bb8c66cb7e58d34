/**
 * The beginning of a text, of at most `maxLength` UTF-16 units. Half a character at the end, which PostgreSQL refuses in jsonb, becomes
 * U+FFFD.
 */
export const cutText = (text: string, maxLength: number): string => text.slice(0, maxLength).toWellFormed()

const encoder = new TextEncoder()

/** The first items, as many as have at most `maxBytes` together as JSON. */
export function cutList<Item>(items: readonly Item[], maxBytes: number): Item[] {
  let bytes = 0
  const end = items.findIndex((item) => {
    bytes += encoder.encode(JSON.stringify(item)).length
    return bytes > maxBytes
  })
  return items.slice(0, end === -1 ? undefined : end)
}
