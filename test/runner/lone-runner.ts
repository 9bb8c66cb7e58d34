/** A runner with nothing but a supervisor: runs the scripts it is told and prints what they print. */
import { runProcess } from '../../runner/process.ts'
import { createSupervisor } from '../../runner/supervise.ts'
import { plainEnvironment, shelf } from './shelf.ts'

const supervisor = createSupervisor(300)
for (const [name = '', ...args] of JSON.parse(process.argv[2] ?? '[]') as string[][])
  await runProcess({
    file: shelf(name),
    args,
    env: plainEnvironment,
    timeoutMs: 60_000,
    killGraceMs: 300,
    onOutput: (_, bytes) => {
      process.stdout.write(bytes)
    },
    supervisor,
  })
