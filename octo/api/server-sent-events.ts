/** Parses server-sent events from the bytes of a response. Called by stream-output.ts. */

export type SentEvent = { id: string; event: string; data: string }

/** Skips comments (heartbeats), `retry:` and an incomplete last event, which the server sends again on reconnect. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<SentEvent, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true })
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const event = readEvent(rest.slice(0, end))
      rest = rest.slice(end + 2)
      if (event.event !== '') yield event
    }
  }
}

function readEvent(text: string): SentEvent {
  const event: SentEvent = { id: '', event: '', data: '' }
  for (const line of text.split('\n')) {
    const separator = line.indexOf(': ')
    const field = line.slice(0, separator)
    const value = line.slice(separator + 2).replace(/\r$/, '')
    if (field === 'id' || field === 'event') event[field] = value
    else if (field === 'data') event.data += event.data === '' ? value : `\n${value}`
  }
  return event
}
