/**
 * The eyes of process-observer.ts, in a thread of its own: the rig's main thread also passes gigabytes on, and would look late and think
 * the machine stood still. Looks at the processes that scripts have named every 50 ms, at all there are each 500 ms.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import type { ProcessSighting, Stall } from '../checker/history.ts'
import { nowMs } from './clock.ts'
import type { Observations, WorkerMessage } from './process-observer.ts'

const pollMs = 50
const searchMs = 500
/** What is shorter is no standstill. */
const stallMs = 150

const dir: string = workerData
const seen = new Map<string, ProcessSighting>()
const living = new Map<number, ProcessSighting>()
const stalls: Stall[] = []
let searchedMs = 0
/** How much of the history has been read. */
let read = 0

const post = (words: WorkerMessage) => parentPort?.postMessage(words)

parentPort?.on('message', (question: number) => {
  poll()
  const answer: Observations = { sightings: [...seen.values()], stalls }
  post({ question, answer })
})

// Whoever has slept so long and needed so much of a processor has waited for one the rest of the time.
let [sleptMs, workedMs] = [nowMs(), cpuMs()]
setInterval(() => {
  const [atMs, usedMs] = [nowMs(), cpuMs()]
  const lateMs = atMs - sleptMs - pollMs - (usedMs - workedMs)
  if (lateMs > stallMs) stalls.push({ atMs, lateMs: Math.round(lateMs) })
  sleptMs = atMs
  workedMs = usedMs
  poll()
  post({ alive: [...living.values()] })
}, pollMs)

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

function poll(): void {
  const atMs = nowMs()
  const searching = atMs - searchedMs >= searchMs
  if (searching) searchedMs = atMs
  const pids = new Set(searching ? listPids('/proc') : [...living.keys(), ...readNewPids()])
  for (const pid of pids) {
    const sighting = readSighting(pid)
    if (sighting === null) living.delete(pid)
    else {
      living.set(pid, sighting)
      seen.set(`${pid}/${sighting.action}/${sighting.fencingToken}`, sighting)
    }
  }
  if (searching) for (const pid of living.keys()) if (!pids.has(pid)) living.delete(pid)
}

/** The scripts say themselves who they are: what they wrote since the last look. */
function readNewPids(): number[] {
  const text = readFileSync(join(dir, 'history'), 'utf8')
  const lines = text.slice(read).split('\n')
  read = text.lastIndexOf('\n') + 1
  return lines.filter((line) => /^(start|child) /.test(line)).map((line) => Number(line.split(' ')[5]))
}

/** Null when the process is gone, or is no script of this rig. */
function readSighting(pid: number): ProcessSighting | null {
  const atMs = nowMs()
  let environment: string
  try {
    environment = `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`
  } catch {
    return null
  }
  if (!environment.includes(`\0OCTOPOD_FAULT_DIR=${dir}\0`)) return null
  const value = (name: string) => Number(new RegExp(`\0${name}=(\\d+)\0`).exec(environment)?.[1])
  const [action, fence] = [value('OCTOPOD_ACTION_ID'), value('OCTOPOD_FENCE')]
  return Number.isNaN(action) ? null : { atMs, action, fencingToken: fence, pid }
}

function listPids(folder: string): number[] {
  return readdirSync(folder).map(Number).filter(Number.isInteger)
}
