/** The process of the load generator: executes one task after the other. Started by start.ts. */
import { serveTasks } from '../harness/serve-tasks.ts'
import { actionLatency, actionThroughput } from './action-tasks.ts'
import { requestRate, requestsAfterChange, sequentialRequests } from './http-tasks.ts'
import { strangers } from './stranger-tasks.ts'
import type { TaskName, TaskRequest, Tasks } from './tasks.ts'
import { broadcast, connect, disconnect, firstEvent } from './websocket-tasks.ts'

const tasks: { [Name in TaskName]: (input: Tasks[Name]['in']) => Promise<Tasks[Name]['out']> } = {
  requestRate,
  sequentialRequests,
  requestsAfterChange,
  actionLatency,
  actionThroughput,
  connect,
  disconnect,
  broadcast,
  firstEvent,
  strangers,
}

serveTasks(({ name, input }: TaskRequest) => (tasks[name] as (input: unknown) => Promise<unknown>)(input))
