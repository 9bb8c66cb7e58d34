/** Saves the output of an action as a file: as shown, or as the script printed it. Called by log-menu.ts. */
import type { ApiClient } from '../../client/call-endpoint.ts'

/** Chunks of one request: few enough to be parsed without delaying the page. */
const chunksPerRequest = 50

/** Everything that the script printed, both streams in written order. For a running action, the output so far. Throws like the client. */
export async function downloadOutput(client: ApiClient, actionId: number, fileName: string): Promise<void> {
  const texts: string[] = []
  for (let after = 0; ; ) {
    const query = { after, limit: chunksPerRequest }
    const { chunks, done } = await client.call('getOutput', { params: { action_id: actionId }, query })
    for (const chunk of chunks) texts.push(chunk.text)
    const last = chunks.at(-1)
    if (done || last === undefined) break
    after = last.seq
  }
  saveFile(fileName, texts)
}

export function saveFile(fileName: string, texts: readonly string[]): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([...texts], { type: 'text/plain' }))
  link.download = fileName
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
