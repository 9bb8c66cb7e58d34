/** For floors and parts of ours that main runs in a process of their own: answers what main asks over the channel. */

export function serveWorker<Asked, Answer>(work: (asked: Asked) => Promise<Answer>): void {
  process.on('message', async (asked: Asked) => {
    try {
      process.send?.({ answer: await work(asked) })
    } catch (error) {
      process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
  process.on('disconnect', () => process.exit(0))
}
