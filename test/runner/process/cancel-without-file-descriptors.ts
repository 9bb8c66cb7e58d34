/**
 * Opens files up to its limit, then cancels a script and prints the result. Started by process.test.ts with a low limit
 * of open files.
 */
import { openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { runProcess } from '../../../runner/process/process.ts'
import { fixturePath, minimalEnvironment } from '../script-fixtures.ts'

const cancel = new AbortController()
const run = runProcess({
  file: fixturePath('exit/ignores-term'),
  args: [],
  env: minimalEnvironment,
  timeoutMs: 60_000,
  killGraceMs: 300,
  signal: cancel.signal,
})
await sleep(300)
try {
  for (;;) openSync('/dev/null', 'r')
} catch {
  cancel.abort('cancelled')
}
process.stdout.write(JSON.stringify(await run))
