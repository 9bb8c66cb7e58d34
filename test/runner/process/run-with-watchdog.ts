/**
 * A minimal runner with a watchdog: runs the scripts in its first argument and prints their output. The second argument
 * is the grace in milliseconds. Started by watchdog.test.ts and reuse-process-number.ts.
 */
import { runProcess } from '../../../runner/process/process.ts'
import { createWatchdog } from '../../../runner/process/watchdog.ts'
import { fixturePath, minimalEnvironment } from '../script-fixtures.ts'

const killGraceMs = Number(process.argv[3] ?? 300)
const watchdog = createWatchdog(killGraceMs)
for (const [name = '', ...args] of JSON.parse(process.argv[2] ?? '[]') as string[][])
  await runProcess({
    file: fixturePath(name),
    args,
    env: minimalEnvironment,
    timeoutMs: 60_000,
    killGraceMs,
    onOutput: (_, bytes) => {
      process.stdout.write(bytes)
    },
    watchdog,
  })
