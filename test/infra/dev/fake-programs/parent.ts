/** parent.ts SCRIPT: starts a child that runs this script, says its number when it is ready, and stays. */
import { startChild } from '../../../../infra/dev/process/child-process.ts'

const child = startChild({
  name: 'child',
  file: process.execPath,
  args: ['-e', process.argv[2] ?? ''],
  env: {},
  stopSequence: [{ signal: 'SIGTERM', waitMs: 1000 }],
  log: () => console.log(child.pid),
})
