/**
 * Observes the control scripts from outside the programs: reads what the scripts recorded, and sees when each
 * of their processes was alive for the last time. A process is known by its inherited environment, so that a
 * reused process id causes no mistake.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { CheckRun, ProcessSighting, ScriptEnd, ScriptRun, Stall } from '../checker/history.ts'

export type Observations = { sightings: ProcessSighting[]; checks: CheckRun[]; stalls: Stall[] }

export type ProcessObserver = {
  /** The script processes that were alive at the last poll. */
  alive(): ProcessSighting[]
  /** Each process with the time it was last seen alive, and the stalls of the machine, up to now. */
  observations(): Promise<Observations>
  stop(): Promise<void>
}

/**
 * Messages of process-observer-worker.ts: the living processes after each poll, and the observations on
 * request.
 */
export type WorkerMessage = { alive: ProcessSighting[] } | { requestId: number; observations: Observations }

export function observeProcesses(historyDir: string): ProcessObserver {
  const worker = new Worker(new URL('process-observer-worker.ts', import.meta.url), {
    workerData: historyDir,
  })
  const waiting = new Map<number, (observations: Observations) => void>()
  let requestCount = 0
  let alive: ProcessSighting[] = []
  worker.on('message', (message: WorkerMessage) => {
    if ('alive' in message) alive = message.alive
    else waiting.get(message.requestId)?.(message.observations)
  })
  return {
    alive: () => alive,
    observations: async () => {
      requestCount += 1
      const requestId = requestCount
      const { promise, resolve } = Promise.withResolvers<Observations>()
      waiting.set(requestId, resolve)
      worker.postMessage(requestId)
      try {
        return await promise
      } finally {
        waiting.delete(requestId)
      }
    },
    stop: async () => {
      await worker.terminate()
    },
  }
}

export type ScriptHistory = {
  runs: ScriptRun[]
  ends: ScriptEnd[]
  ownEnds: ScriptEnd[]
  /** Action → everything its script can have printed. Without the actions whose script another program ends. */
  printed: Map<number, string>
}

/** Reads the file in which the scripts of test/scripts/recording record what they do. */
export async function readScriptHistory(historyDir: string): Promise<ScriptHistory> {
  const history: ScriptHistory = { runs: [], ends: [], ownEnds: [], printed: new Map() }
  for (const line of (await readFile(join(historyDir, 'history'), 'utf8')).split('\n')) {
    const [event, uptime, action, attempt, fence, pid, deployment = '', detail] = line.split(' ')
    const common = {
      atMs: Math.round(Number(uptime) * 1000),
      action: Number(action),
      fencingToken: Number(fence),
    }
    if (event === 'start') {
      history.runs.push({
        ...common,
        attempt: Number(attempt),
        pid: Number(pid),
        deployment,
        gotLock: detail === 'locked',
      })
      history.printed.set(common.action, `${line}\n`)
    }
    if (event === 'own-end') {
      history.ownEnds.push(common)
      history.printed.delete(common.action)
    }
    if (event === 'end') {
      history.ends.push(common)
      history.printed.set(common.action, `${history.printed.get(common.action)}${line}\n`)
    }
  }
  return history
}
