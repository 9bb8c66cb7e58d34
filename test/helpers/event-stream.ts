/** Reads server-sent events one by one. */

export type SentEvent = { id: string; event: string; data: string }

export async function readEvents(url: string, headers: Record<string, string>) {
  const leaving = new AbortController()
  const response = await fetch(url, { headers, signal: leaving.signal })
  if (!response.ok || response.body === null)
    throw new Error(`refused: ${response.status} ${await response.text()}`)
  const events = parse(response.body.pipeThrough(new TextDecoderStream()))
  return {
    next: async (): Promise<SentEvent> => {
      const { value, done } = await events.next()
      if (done) throw new Error('the stream has ended')
      return value
    },
    rest: async (): Promise<SentEvent[]> => {
      const all: SentEvent[] = []
      for await (const event of events) all.push(event)
      return all
    },
    cancel: () => leaving.abort(),
  }
}

async function* parse(text: ReadableStream<string>): AsyncGenerator<SentEvent, void> {
  let buffer = ''
  for await (const piece of text) {
    buffer += piece
    for (let end = buffer.indexOf('\n\n'); end >= 0; end = buffer.indexOf('\n\n')) {
      const lines = buffer.slice(0, end).split('\n')
      buffer = buffer.slice(end + 2)
      const field = (name: string) =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? ''
      if (field('event') !== '') yield { id: field('id'), event: field('event'), data: field('data') }
    }
  }
}
