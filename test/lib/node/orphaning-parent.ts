/**
 * orphaning-parent.ts SCRIPT: starts a program that runs this script, prints its process id when it is ready,
 * and keeps running.
 */
import { spawnProgram } from '../../../lib/node/spawn-program.ts'

const program = spawnProgram({
  name: 'child',
  file: process.execPath,
  args: ['-e', process.argv[2] ?? ''],
  env: {},
  stopSequence: [{ signal: 'SIGTERM', waitMs: 1000 }],
  onLine: () => console.log(program.pid),
})
