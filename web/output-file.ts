/** The whole output of an action as a file, both streams in the order they were written. Called by pages/output.ts. */
import type { Client } from './api.ts'

/** What there is by now, when the action still runs. Throws like the client. */
export async function saveOutput(client: Client, actionId: number, fileName: string): Promise<void> {
  const texts: string[] = []
  for (let after = 0; ; ) {
    const query = { after, limit: 1000 }
    const { chunks, done } = await client.ask('getOutput', { params: { action_id: actionId }, query })
    for (const chunk of chunks) texts.push(chunk.text)
    const last = chunks.at(-1)
    if (done || last === undefined) break
    after = last.seq
  }
  const anchor = document.createElement('a')
  anchor.href = URL.createObjectURL(new Blob(texts, { type: 'text/plain' }))
  anchor.download = fileName
  anchor.click()
  setTimeout(() => URL.revokeObjectURL(anchor.href), 60_000)
}
