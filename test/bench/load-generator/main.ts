/** The process of the load generator: does one task after the other as main asks. Started by load.ts. */

import { actionLatency, actionThroughput } from './action-tasks.ts'
import { requestRate, requestsAfterChange, sequentialRequests } from './http-tasks.ts'
import type { TaskName, TaskRequest, TaskResponse, Tasks } from './tasks.ts'
import { broadcast, connect, disconnect, firstEvent } from './websocket-tasks.ts'

const tasks: { [Name in TaskName]: (given: Tasks[Name]['in']) => Promise<Tasks[Name]['out']> } = {
  requestRate,
  sequentialRequests,
  requestsAfterChange,
  actionLatency,
  actionThroughput,
  connect,
  disconnect,
  broadcast,
  firstEvent,
}

process.on('message', async ({ id, name, given }: TaskRequest) => {
  const reply = (replied: Omit<TaskResponse, 'id'>) => process.send?.({ id, ...replied })
  try {
    reply({ result: await (tasks[name] as (given: unknown) => Promise<unknown>)(given) })
  } catch (error) {
    reply({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
})
process.on('disconnect', () => process.exit(0))
