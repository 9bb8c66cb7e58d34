/** Reads server-sent events one by one. */
export type ServerSentEvent = { id: string; event: string; data: string }

export async function openEventStream(url: string, headers: Record<string, string>) {
  const abort = new AbortController()
  const response = await fetch(url, { headers, signal: abort.signal })
  if (!response.ok || response.body === null)
    throw new Error(`rejected: ${response.status} ${await response.text()}`)
  const events = parse(response.body.pipeThrough(new TextDecoderStream()))
  return {
    next: async (): Promise<ServerSentEvent> => {
      const { value, done } = await events.next()
      if (done) throw new Error('the stream has ended')
      return value
    },
    rest: async (): Promise<ServerSentEvent[]> => {
      const all: ServerSentEvent[] = []
      for await (const event of events) all.push(event)
      return all
    },
    cancel: () => abort.abort(),
  }
}

async function* parse(text: ReadableStream<string>): AsyncGenerator<ServerSentEvent, void> {
  let buffer = ''
  for await (const chunk of text) {
    buffer += chunk
    for (let end = buffer.indexOf('\n\n'); end >= 0; end = buffer.indexOf('\n\n')) {
      const lines = buffer.slice(0, end).split('\n')
      buffer = buffer.slice(end + 2)
      const field = (name: string) =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? ''
      if (field('event') !== '') yield { id: field('id'), event: field('event'), data: field('data') }
    }
  }
}
