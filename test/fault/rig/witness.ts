/**
 * What is known of scripts from outside the programs: the lines they wrote themselves, and when each of their processes was
 * seen alive for the last time. A process is known by the environment it inherited, so that no number is mistaken for another.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Run, RunEnd, Sighting, Stall } from '../checker/history.ts'
import { nowMs } from './clock.ts'

export type Witness = {
  sightings(): Sighting[]
  stalls(): Stall[]
  /** Processes of scripts that were alive at the last look. */
  alive(): Sighting[]
  stop(): void
}

/** Between two looks at the processes that are known, and at all there are. */
const lookMs = 50
const searchMs = 500

export function watchProcesses(dir: string): Witness {
  const seen = new Map<string, Sighting>()
  const living = new Map<number, Sighting>()
  let searchedMs = 0

  const stalls: Stall[] = []
  let lookedMs = nowMs()

  const look = () => {
    const atMs = nowMs()
    if (atMs - lookedMs > 4 * lookMs) stalls.push({ atMs, lateMs: atMs - lookedMs - lookMs })
    lookedMs = atMs
    const searching = atMs - searchedMs >= searchMs
    if (searching) searchedMs = atMs
    const pids = searching ? numbersIn('/proc') : [...living.keys(), ...newPids()]
    for (const pid of pids) {
      const sighting = sightingOf(dir, pid)
      if (sighting === null) living.delete(pid)
      else {
        living.set(pid, sighting)
        seen.set(`${pid}/${sighting.action}/${sighting.fence}`, sighting)
      }
    }
    if (searching) for (const pid of living.keys()) if (!pids.includes(pid)) living.delete(pid)
  }
  /** The scripts say themselves who they are: what they wrote since the last look. */
  let read = 0
  const newPids = (): number[] => {
    const text = readFileSync(join(dir, 'history'), 'utf8')
    const lines = text.slice(read).split('\n')
    read = text.lastIndexOf('\n') + 1
    return lines.filter((line) => /^(start|child) /.test(line)).map((line) => Number(line.split(' ')[5]))
  }
  const timer = setInterval(look, lookMs)
  return {
    sightings: () => [...seen.values()],
    stalls: () => stalls,
    alive: () => [...living.values()],
    stop: () => clearInterval(timer),
  }
}

/** Null when the process is gone, or is no script of this rig. */
function sightingOf(dir: string, pid: number): Sighting | null {
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
  return Number.isNaN(action) ? null : { atMs, action, fence, pid }
}

const numbersIn = (folder: string) => readdirSync(folder).map(Number).filter(Number.isInteger)

export type Told = { runs: Run[]; ends: RunEnd[]; ownEnds: RunEnd[]; printed: Map<number, string> }

/** What the scripts wrote; `printed`: what those that came to their own end printed, action → text. */
export async function readScripts(dir: string): Promise<Told> {
  const told: Told = { runs: [], ends: [], ownEnds: [], printed: new Map() }
  const starts = new Map<string, string>()
  for (const line of (await readFile(join(dir, 'history'), 'utf8')).split('\n')) {
    const [verb, up, action, attempt, fence, pid, deployment = '', word] = line.split(' ')
    const common = { atMs: Math.round(Number(up) * 1000), action: Number(action), fence: Number(fence) }
    if (verb === 'start') {
      told.runs.push({
        ...common,
        attempt: Number(attempt),
        pid: Number(pid),
        deployment,
        alone: word === 'alone',
      })
      starts.set(`${action}/${fence}`, line)
    }
    if (verb === 'own-end') told.ownEnds.push(common)
    if (verb === 'end') {
      told.ends.push(common)
      told.printed.set(common.action, `${starts.get(`${action}/${fence}`)}\n${line}\n`)
    }
  }
  return told
}
