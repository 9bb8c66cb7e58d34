/**
 * Saves the complete output of an action as a file, both streams in written order. Called by log-toolbar.ts.
 */
import type { ApiClient } from '../../client/call-endpoint.ts'

/** For a running action, saves the output so far. Throws like the client. */
export async function downloadOutput(client: ApiClient, actionId: number, fileName: string): Promise<void> {
  const texts: string[] = []
  for (let after = 0; ; ) {
    const query = { after, limit: 1000 }
    const { chunks, done } = await client.call('getOutput', { params: { action_id: actionId }, query })
    for (const chunk of chunks) texts.push(chunk.text)
    const last = chunks.at(-1)
    if (done || last === undefined) break
    after = last.seq
  }
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob(texts, { type: 'text/plain' }))
  link.download = fileName
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
