/**
 * A minimal runner with a watchdog: runs the scripts in its first argument and prints their output. The second argument
 * is the grace in milliseconds. With a third argument each script has a config file. Started by watchdog.test.ts,
 * config-file.test.ts and reuse-process-number.ts.
 */
import { runProcess } from '../../../runner/process/process.ts'
import { readRunnerProcess } from '../../../runner/process/process-table.ts'
import { createMarker, createMarkerPrefix } from '../../../runner/process/script-marker.ts'
import { createWatchdog } from '../../../runner/process/watchdog.ts'
import { fixturePath, minimalEnvironment } from '../script-fixtures.ts'

const killGraceMs = Number(process.argv[3] ?? 300)
const configFile = process.argv[4] === undefined ? null : { application: [], deployment: [] }
const markerPrefix = createMarkerPrefix(
  'here',
  readRunnerProcess() ?? { pidNamespace: '1', pid: 1, startTicks: '1' },
)
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
    configFile,
    marker: createMarker(markerPrefix),
  })
