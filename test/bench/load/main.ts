/** The process of the load generator: does one task after the other as main asks. Started by load.ts. */
import { changed, each, rate } from './http.ts'
import { broadcast, connect, disconnect, firstEvent } from './live.ts'
import { journey, throughput } from './pipeline.ts'
import type { Asked, Replied, TaskName, Tasks } from './tasks.ts'

const tasks: { [Name in TaskName]: (given: Tasks[Name]['in']) => Promise<Tasks[Name]['out']> } = {
  rate,
  each,
  changed,
  journey,
  throughput,
  connect,
  disconnect,
  broadcast,
  firstEvent,
}

process.on('message', async ({ id, name, given }: Asked) => {
  const reply = (replied: Omit<Replied, 'id'>) => process.send?.({ id, ...replied })
  try {
    reply({ result: await (tasks[name] as (given: unknown) => Promise<unknown>)(given) })
  } catch (error) {
    reply({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
})
process.on('disconnect', () => process.exit(0))
