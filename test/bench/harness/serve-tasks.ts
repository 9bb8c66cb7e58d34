/** The worker's side of worker-process.ts: executes the tasks that the bench sends over the channel of fork. */

export type TaskMessage = { id: number; task: unknown }
export type ResultMessage = { id: number; result?: unknown; error?: string }

export function serveTasks<Task, Result>(execute: (task: Task) => Promise<Result>): void {
  process.on('message', async ({ id, task }: TaskMessage) => {
    const reply = (message: Omit<ResultMessage, 'id'>) => process.send?.({ id, ...message })
    try {
      reply({ result: await execute(task as Task) })
    } catch (error) {
      reply({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
  // The channel closes when the bench ends.
  process.on('disconnect', () => process.exit(0))
}
