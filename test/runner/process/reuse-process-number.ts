/**
 * Ends a script whose child survives TERM, and starts another process that gets the number of the ended script before
 * KILL is sent. Prints whether both are alive afterwards. Started by reused-number.test.ts in a PID namespace, where the
 * next process number can be chosen. Argument: who ends the script, `runner` or `watchdog`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runProcess } from '../../../runner/process/process.ts'
import { fixtureRequest, isProcessAlive, waitFor } from '../script-fixtures.ts'

const script = 'children/ends-before-session'
const killGraceMs = 2000

const [leader = 0, child = 0, ended] = await (process.argv[2] === 'runner' ? endByRunner() : endByWatchdog())
await waitFor(() => !existsSync(`/proc/${leader}`))
const stranger = startWithNumber(leader)
await ended
process.stdout.write(JSON.stringify({ child: isProcessAlive(child), stranger: isProcessAlive(leader) }))
stranger.kill('SIGKILL')

type Ended = [leader: number, child: number, ended: Promise<unknown>]

async function endByRunner(): Promise<Ended> {
  const cancel = new AbortController()
  const output = collectPids()
  const { signal } = cancel
  const run = runProcess(fixtureRequest(script, [], { killGraceMs, signal, onOutput: output.add }))
  const [leader, child] = await output.pids()
  cancel.abort('cancelled')
  return [leader, child, run]
}

async function endByWatchdog(): Promise<Ended> {
  const program = fileURLToPath(new URL('run-with-watchdog.ts', import.meta.url))
  const args = [program, JSON.stringify([[script]]), String(killGraceMs)]
  const runner = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const output = collectPids()
  runner.stdout.on('data', (bytes) => output.add('stdout', bytes))
  const [leader, child] = await output.pids()
  runner.kill('SIGKILL')
  return [leader, child, waitFor(() => !isProcessAlive(child))]
}

function collectPids() {
  let text = ''
  return {
    add: (_: string, bytes: Uint8Array) => {
      text += Buffer.from(bytes)
    },
    pids: async () => {
      await waitFor(() => text.split('\n').length > 2)
      const [leader = 0, child = 0] = text.split('\n').map(Number)
      return [leader, child] as const
    },
  }
}

/** Another process may take the number first; it ends soon. */
function startWithNumber(pid: number): ChildProcess {
  for (let tries = 0; tries < 1000; tries += 1) {
    writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1))
    const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' })
    if (child.pid === pid) return child
    child.kill('SIGKILL')
  }
  throw new Error(`no process got the number ${pid}`)
}
