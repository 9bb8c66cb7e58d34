/**
 * What is known of scripts from outside the programs: the lines they wrote themselves, and when each of their processes was
 * seen alive for the last time. A process is known by the environment it inherited, so that no number is mistaken for another.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { ScriptRun, ScriptEnd, ProcessSighting, Stall } from '../checker/history.ts'

export type Observations = { sightings: ProcessSighting[]; stalls: Stall[] }

export type ProcessObserver = {
  /** Processes of scripts that were alive at the last look. */
  alive(): ProcessSighting[]
  /** Every process when it was last seen alive, and when the machine itself stood still: up to now. */
  observations(): Promise<Observations>
  stop(): Promise<void>
}

/** What process-observer-worker.ts tells: who is alive, at every look; and what it has seen, when it is asked. */
export type WorkerMessage = { alive: ProcessSighting[] } | { question: number; answer: Observations }

export function observeProcesses(dir: string): ProcessObserver {
  const looking = new Worker(new URL('process-observer-worker.ts', import.meta.url), { workerData: dir })
  const questions = new Map<number, (answer: Observations) => void>()
  let asked = 0
  let living: ProcessSighting[] = []
  looking.on('message', (words: WorkerMessage) => {
    if ('alive' in words) living = words.alive
    else questions.get(words.question)?.(words.answer)
  })
  return {
    alive: () => living,
    observations: async () => {
      const number = ++asked
      const { promise, resolve } = Promise.withResolvers<Observations>()
      questions.set(number, resolve)
      looking.postMessage(number)
      try {
        return await promise
      } finally {
        questions.delete(number)
      }
    },
    stop: async () => {
      await looking.terminate()
    },
  }
}

export type ScriptHistory = { runs: ScriptRun[]; ends: ScriptEnd[]; ownEnds: ScriptEnd[]; printed: Map<number, string> }

/** What the scripts wrote; `printed`, action → text: what those printed at most that announced no end of their own way. */
export async function readScriptHistory(dir: string): Promise<ScriptHistory> {
  const told: ScriptHistory = { runs: [], ends: [], ownEnds: [], printed: new Map() }
  for (const line of (await readFile(join(dir, 'history'), 'utf8')).split('\n')) {
    const [verb, up, action, attempt, fence, pid, deployment = '', word] = line.split(' ')
    const common = {
      atMs: Math.round(Number(up) * 1000),
      action: Number(action),
      fencingToken: Number(fence),
    }
    if (verb === 'start') {
      told.runs.push({
        ...common,
        attempt: Number(attempt),
        pid: Number(pid),
        deployment,
        gotLock: word === 'locked',
      })
      told.printed.set(common.action, `${line}\n`)
    }
    if (verb === 'own-end') {
      told.ownEnds.push(common)
      told.printed.delete(common.action)
    }
    if (verb === 'end') {
      told.ends.push(common)
      told.printed.set(common.action, `${told.printed.get(common.action)}${line}\n`)
    }
  }
  return told
}
