/** KILL reaches the remaining processes of a script, and not another process that got the number of the ended script. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('reuse-process-number.ts', import.meta.url))
/** The shell is the first process of the namespace: it collects ended processes, which frees their numbers. */
const shell = ['--pid', '--fork', '--mount-proc', '/bin/sh', '-c', '"$@"; exit $?', 'sh']
const optionsByUser = [[], ['--user', '--map-root-user']]
const canChooseNumbers = ['-c', 'echo 1000 > /proc/sys/kernel/ns_last_pid']
const options = optionsByUser.find(
  (options) => spawnSync('unshare', [...options, ...shell, '/bin/sh', ...canChooseNumbers]).status === 0,
)
const skip = options === undefined && 'this machine cannot choose process numbers in a PID namespace'

function endWithReusedNumber(who: 'runner' | 'watchdog'): void {
  const command = [...(options ?? []), ...shell, process.execPath, program, who]
  const { stdout, stderr } = spawnSync('unshare', command, { encoding: 'utf8' })
  assert.deepEqual(JSON.parse(stdout || '{}'), { child: false, stranger: true }, stderr)
}

suite('The number of an ended script that is used again', { skip }, () => {
  test('is not signalled by the runner, which still ends the rest of the script', () =>
    endWithReusedNumber('runner'))

  test('is not signalled by the watchdog, which still ends the rest of the script', () =>
    endWithReusedNumber('watchdog'))
})
