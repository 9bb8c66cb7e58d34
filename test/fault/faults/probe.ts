/**
 * Sends requests to every server at fixed intervals while a datastore is down, and records the responses and
 * their times.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { buildPath } from '../../../domain/endpoints.ts'
import type { RecordedRequest } from '../checker/history.ts'
import { nowMs } from '../harness/clock.ts'
import type { Cluster } from '../harness/cluster.ts'
import { sendOnce } from '../harness/http-client.ts'
import { readScriptHistory } from '../harness/process-observer.ts'
import { adminHeader } from '../harness/programs.ts'
import { createDeployments, createKey } from './operations.ts'

/** `status` 0: no response. */
export type ProbeResult = { atMs: number; tookMs: number; status: number }
export type Probe = { lists: ProbeResult[]; updates: ProbeResult[]; stop(): Promise<void> }

const listEveryMs = 250
const updateEveryMs = 1000

/** Sends GET of the list and PUT of an update to every server. A slow response delays no other request. */
export async function probeServers(cluster: Cluster): Promise<Probe> {
  const names = cluster.servers().map(({ name }) => `probe-${name}`)
  await createDeployments(cluster, names)
  const [lists, updates]: [ProbeResult[], ProbeResult[]] = [[], []]
  const pendingRequests = new Set<Promise<void>>()
  let stopped = false
  const repeat = async (
    results: ProbeResult[],
    everyMs: number,
    send: (url: string, at: number) => Promise<number>,
  ) => {
    while (!stopped) {
      for (const [at, url] of cluster.serverUrls().entries()) {
        const atMs = nowMs()
        const request = send(url, at).then(
          (status) => void results.push({ atMs, tookMs: nowMs() - atMs, status }),
        )
        pendingRequests.add(request)
        void request.finally(() => pendingRequests.delete(request))
      }
      await sleep(everyMs)
    }
  }
  const loops = [
    repeat(lists, listEveryMs, getList),
    repeat(updates, updateEveryMs, (url, at) => sendUpdate(url, names[at] ?? '')),
  ]
  return {
    lists,
    updates,
    stop: async () => {
      stopped = true
      await Promise.all(loops)
      await Promise.all(pendingRequests)
    },
  }
}

function getList(url: string): Promise<number> {
  return fetch(`${url}${buildPath('listDeployments')}`, {
    headers: { Authorization: adminHeader },
    signal: AbortSignal.timeout(30_000),
  }).then(
    async (response) => {
      await response.arrayBuffer()
      return response.status
    },
    () => 0,
  )
}

/**
 * Resolves with 200 when the update was accepted, with 409 when it was rejected because the last one is still
 * running.
 */
async function sendUpdate(url: string, deployment: string): Promise<number> {
  const response = await sendOnce(url, {
    key: createKey('probe'),
    kind: 'update',
    deployment,
    behaviour: 'quick',
  })
  if (response.outcome === 'unknown') return Number(/^\d+/.exec(response.code)?.[0] ?? 0)
  return response.outcome === 'accepted' ? 200 : 409
}

/** How long the requests of a period took to be accepted. A request that was not accepted counts until `overMs`. */
export function acceptanceTimes(
  requests: readonly RecordedRequest[],
  fromMs: number,
  untilMs: number,
  overMs: number,
): number[] {
  return requests
    .filter(({ sentMs }) => sentMs >= fromMs && sentMs < untilMs)
    .flatMap(({ sentMs, responses }) => {
      const last = responses.at(-1)
      if (last?.outcome === 'rejected') return []
      return [(last?.outcome === 'accepted' ? last.atMs : overMs) - sentMs]
    })
}

/** The number of responses 5xx in a period. */
export function serverErrors(requests: readonly RecordedRequest[], fromMs: number, untilMs: number): number {
  return requests
    .flatMap(({ responses }) => responses)
    .filter(({ atMs }) => atMs >= fromMs && atMs < untilMs)
    .filter((response) => response.outcome === 'unknown' && /^5\d\d /.test(response.code)).length
}

export type Delay = { acceptedMs: number; delayMs: number }

/**
 * The delays from acceptance to the start of the script. A script that did not start counts until `overMs`.
 * For loads without cancels.
 */
export async function startDelays(cluster: Cluster, overMs: number): Promise<Delay[]> {
  const { runs } = await readScriptHistory(cluster.historyDir)
  const startOf = new Map(runs.map(({ action, atMs }) => [action, atMs]))
  return cluster.requests.flatMap(({ responses }) =>
    responses.flatMap((response) => {
      if (response.outcome !== 'accepted') return []
      const startedMs = startOf.get(response.action) ?? overMs
      return [{ acceptedMs: response.atMs, delayMs: Math.max(0, startedMs - response.atMs) }]
    }),
  )
}

/** The start times of all scripts, in order. */
export async function scriptStarts(cluster: Cluster): Promise<number[]> {
  const { runs } = await readScriptHistory(cluster.historyDir)
  return runs.map(({ atMs }) => atMs).toSorted((one, other) => one - other)
}
