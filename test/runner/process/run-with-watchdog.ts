/** A runner with nothing but a supervisor: runs the scripts it is told and prints what they print. */
import { runProcess } from '../../../runner/process/process.ts'
import { createWatchdog } from '../../../runner/process/watchdog.ts'
import { fixturePath, minimalEnvironment } from '../script-fixtures.ts'

const watchdog = createWatchdog(300)
for (const [name = '', ...args] of JSON.parse(process.argv[2] ?? '[]') as string[][])
  await runProcess({
    file: fixturePath(name),
    args,
    env: minimalEnvironment,
    timeoutMs: 60_000,
    killGraceMs: 300,
    onOutput: (_, bytes) => {
      process.stdout.write(bytes)
    },
    watchdog,
  })
