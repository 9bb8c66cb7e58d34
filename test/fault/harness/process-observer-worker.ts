/**
 * The worker thread of process-observer.ts. It has a thread of its own because the main thread also forwards
 * gigabytes of output: it would poll late and report stalls of the machine that did not happen. Polls the
 * processes that scripts have recorded every 50 ms, all processes every 500 ms.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import type { CheckRun, ProcessSighting, Stall } from '../checker/history.ts'
import { nowMs } from './clock.ts'
import type { WorkerMessage } from './process-observer.ts'

const pollMs = 50
const fullPollMs = 500
/** A shorter delay is no stall. */
const minStallMs = 150

const historyDir: string = workerData
const seen = new Map<string, ProcessSighting>()
const alive = new Map<number, ProcessSighting>()
const checks: CheckRun[] = []
/** The checks whose processes were alive at the last poll. */
const aliveChecks = new Set<CheckRun>()
const stalls: Stall[] = []
let lastFullPollMs = 0
/** How much of the history file has been read. */
let readLength = 0

const post = (message: WorkerMessage) => parentPort?.postMessage(message)

parentPort?.on('message', (requestId: number) => {
  poll()
  post({ requestId, observations: { sightings: [...seen.values()], checks, stalls } })
})

// The time since the last poll is sleep, own work, or waiting for a processor. Only the last one is a stall.
let [lastPollMs, lastCpuMs] = [nowMs(), cpuMs()]
setInterval(() => {
  const [atMs, usedMs] = [nowMs(), cpuMs()]
  const lateMs = atMs - lastPollMs - pollMs - (usedMs - lastCpuMs)
  if (lateMs > minStallMs) stalls.push({ atMs, lateMs: Math.round(lateMs) })
  lastPollMs = atMs
  lastCpuMs = usedMs
  poll()
  post({ alive: [...alive.values()] })
}, pollMs)

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

function poll(): void {
  const atMs = nowMs()
  const isFullPoll = atMs - lastFullPollMs >= fullPollMs
  if (isFullPoll) lastFullPollMs = atMs
  const newPids = readNewPids()
  const pids = new Set(isFullPoll ? listPids() : [...alive.keys(), ...newPids])
  for (const pid of pids) {
    const sighting = readSighting(pid)
    if (sighting === null) alive.delete(pid)
    else {
      alive.set(pid, sighting)
      seen.set(`${pid}/${sighting.action}/${sighting.fencingToken}`, sighting)
    }
  }
  if (isFullPoll) for (const pid of alive.keys()) if (!pids.has(pid)) alive.delete(pid)
  for (const check of aliveChecks) {
    const seenMs = nowMs()
    if (readScriptEnvironment(check.pid) === null) aliveChecks.delete(check)
    else check.lastAliveMs = seenMs
  }
}

/** The process ids that scripts of actions have recorded since the last poll. Adds the checks recorded since then. */
function readNewPids(): number[] {
  const text = readFileSync(join(historyDir, 'history'), 'utf8')
  const lines = text.slice(readLength).split('\n')
  readLength = text.lastIndexOf('\n') + 1
  for (const line of lines.filter((line) => line.startsWith('check '))) {
    const [, uptime, , , , pid, deployment = ''] = line.split(' ')
    const atMs = Math.round(Number(uptime) * 1000)
    const check = { atMs, lastAliveMs: atMs, deployment, pid: Number(pid) }
    checks.push(check)
    aliveChecks.add(check)
  }
  return lines.filter((line) => /^(start|child) /.test(line)).map((line) => Number(line.split(' ')[5]))
}

/** Null when the process has ended, or is no script of this test. */
function readSighting(pid: number): ProcessSighting | null {
  const atMs = nowMs()
  const environment = readScriptEnvironment(pid)
  if (environment === null) return null
  const value = (name: string) => Number(new RegExp(`\0${name}=(\\d+)\0`).exec(environment)?.[1])
  const [action, fencingToken] = [value('OCTOPOD_ACTION_ID'), value('OCTOPOD_FENCE')]
  return Number.isNaN(action) ? null : { atMs, action, fencingToken, pid }
}

/** Null when the process has ended, or is no script of this test. */
function readScriptEnvironment(pid: number): string | null {
  try {
    const environment = `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`
    return environment.includes(`\0OCTOPOD_FAULT_DIR=${historyDir}\0`) ? environment : null
  } catch {
    return null
  }
}

function listPids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger)
}
