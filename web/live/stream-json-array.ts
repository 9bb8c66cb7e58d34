/**
 * Parses a JSON array while it arrives: the first rows are shown at once, and ten thousand rows do not block
 * the page. Called by list-sync.ts.
 */
import type { FullInfo } from '../../domain/schemas.ts'

/** Characters per part: the first part fills a screen; later parts take a few milliseconds to parse. */
const firstPartChars = 50_000
const partChars = 1_000_000

export async function* streamJsonArray(response: Response): AsyncGenerator<FullInfo[]> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let targetChars = firstPartChars
  let text = ''
  // All items begin with the same first key. No other text matches, because quotes inside strings are escaped.
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
    // The last item may be incomplete; it becomes the start of the next part.
    yield JSON.parse(`${part.slice(0, -1)}]`)
    text = `[${text.slice(lastItemAt)}`
    targetChars = partChars
    // The browser can draw and handle input before the next part.
    await new Promise((resolve) => setTimeout(resolve))
  }
  yield JSON.parse(text)
}
