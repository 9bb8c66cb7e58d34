/**
 * Reads a list while it arrives: the first rows are there at once, and ten thousand of them never hold the page up.
 * Read by list-sync.ts.
 */
import type { FullInfo } from '../../domain/schemas.ts'

/** In letters: a first part that fills a screen, then as much as is parsed in a few milliseconds. */
const firstPartChars = 50_000
const partChars = 1_000_000

export async function* streamJsonArray(response: Response): AsyncGenerator<FullInfo[]> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let targetChars = firstPartChars
  let text = ''
  // All deployments begin as the first one does, with the same key, and nothing else does: in texts quotes are escaped.
  let itemStart: string | undefined
  for (;;) {
    const { done, value } = await reader.read()
    text += decoder.decode(value, { stream: !done })
    if (done) break
    if (text.length < targetChars) continue
    itemStart ??= /\{\s*"\w+"/.exec(text)?.[0] ?? ']'
    const lastItemAt = text.lastIndexOf(itemStart)
    const part = text.slice(0, lastItemAt).trimEnd()
    if (!part.endsWith(',')) continue
    // The last one may not be whole: it begins the next part.
    yield JSON.parse(`${part.slice(0, -1)}]`)
    text = `[${text.slice(lastItemAt)}`
    targetChars = partChars
    // What is there may be drawn, and keys may be heard, before the next part.
    await new Promise((resolve) => setTimeout(resolve))
  }
  yield JSON.parse(text)
}
