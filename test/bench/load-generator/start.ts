/** Starts the load generator in a process of its own. Called by harness/bench.ts. */
import { forkWorker } from '../harness/worker-process.ts'
import type { TaskName, TaskRequest, Tasks } from './tasks.ts'

export type LoadGenerator = {
  run<Name extends TaskName>(name: Name, input: Tasks[Name]['in']): Promise<Tasks[Name]['out']>
  stop(): Promise<void>
}

export function startLoadGenerator(): LoadGenerator {
  const worker = forkWorker('load-generator/main.ts')
  return {
    run: async (name, input) =>
      (await worker.run({ name, input } satisfies TaskRequest)) as Tasks[typeof name]['out'],
    stop: worker.stop,
  }
}
