/** A runner that can open no more files: cancels its script then, and prints how that ended. Started with a low limit of files. */
import { openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { runProcess } from '../../../runner/process/process.ts'
import { fixturePath, minimalEnvironment } from '../script-fixtures.ts'

const cancel = new AbortController()
const run = runProcess({
  file: fixturePath('ignores-term'),
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
