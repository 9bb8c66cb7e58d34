/** Reads a body line by line, as in application/x-ndjson. Called by the list of the page, by send-bulk.ts and by octo's audit stream. */

/** Yields complete lines without their ends as soon as they arrive; an incomplete last one is dropped. */
export async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const piece of body) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}
