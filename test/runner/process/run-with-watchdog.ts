/**
 * A minimal runner with a watchdog: runs the scripts in its argument and prints their output. Started by
 * watchdog.test.ts.
 */
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
