/** Asks every server for something again and again while a store is away, and keeps what came back when. */
import { setTimeout as sleep } from 'node:timers/promises'
import { buildPath } from '../../../domain/endpoints.ts'
import type { RecordedRequest } from '../checker/history.ts'
import { nowMs } from '../harness/clock.ts'
import type { Cluster } from '../harness/cluster.ts'
import { sendOnce } from '../harness/http-client.ts'
import { readScriptHistory } from '../harness/process-observer.ts'
import { adminHeader } from '../harness/programs.ts'
import { createDeployments, createKey } from './operations.ts'

/** `status` 0: no answer at all. */
export type ProbeResult = { atMs: number; tookMs: number; status: number }
export type Probe = { lists: ProbeResult[]; posts: ProbeResult[]; stop(): Promise<void> }

const listEveryMs = 250
const postEveryMs = 1000

/** GET of the list and POST of an update, of every server, each on its own: a slow one holds up no other. */
export async function probeServers(cluster: Cluster): Promise<Probe> {
  const names = cluster.servers().map(({ name }) => `probe-${name}`)
  await createDeployments(cluster, names)
  const [lists, posts]: [ProbeResult[], ProbeResult[]] = [[], []]
  const under = new Set<Promise<void>>()
  let stopped = false
  const repeat = async (
    looks: ProbeResult[],
    everyMs: number,
    look: (url: string, at: number) => Promise<number>,
  ) => {
    while (!stopped) {
      for (const [at, url] of cluster.serverUrls().entries()) {
        const atMs = nowMs()
        const one = look(url, at).then((status) => void looks.push({ atMs, tookMs: nowMs() - atMs, status }))
        under.add(one)
        one.finally(() => under.delete(one))
      }
      await sleep(everyMs)
    }
  }
  const loops = [
    repeat(lists, listEveryMs, getList),
    repeat(posts, postEveryMs, (url, at) => postUpdate(url, names[at] ?? '')),
  ]
  return {
    lists,
    posts,
    stop: async () => {
      stopped = true
      await Promise.all(loops)
      await Promise.all(under)
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

/** 200: accepted; 409: refused, for the one before is still under way. */
async function postUpdate(url: string, deployment: string): Promise<number> {
  const answer = await sendOnce(url, {
    key: createKey('probe'),
    kind: 'update',
    deployment,
    behaviour: 'quick',
  })
  if (answer.outcome === 'unknown') return Number(/^\d+/.exec(answer.code)?.[0] ?? 0)
  return answer.outcome === 'accepted' ? 200 : 409
}

/** How long requests of a time took until they were accepted; what was not by then has taken until `overMs`. */
export function acceptanceTimes(
  asked: readonly RecordedRequest[],
  fromMs: number,
  untilMs: number,
  overMs: number,
): number[] {
  return asked
    .filter(({ sentMs }) => sentMs >= fromMs && sentMs < untilMs)
    .flatMap(({ sentMs, responses }) => {
      const last = responses.at(-1)
      if (last?.outcome === 'rejected') return []
      return [(last?.outcome === 'accepted' ? last.atMs : overMs) - sentMs]
    })
}

/** Answers 5xx to what was asked by anybody, in a time. */
export function serverErrors(asked: readonly RecordedRequest[], fromMs: number, untilMs: number): number {
  return asked
    .flatMap(({ responses }) => responses)
    .filter((answer) => answer.atMs >= fromMs && answer.atMs < untilMs)
    .filter((answer) => answer.outcome === 'unknown' && /^5\d\d /.test(answer.code)).length
}

export type Delay = { acceptedMs: number; delayMs: number }

/** From the acceptance to the start of the script; what has not started has waited until `overMs`. Only without cancels. */
export async function startDelays(cluster: Cluster, overMs: number): Promise<Delay[]> {
  const { runs } = await readScriptHistory(cluster.historyDir)
  const startOf = new Map(runs.map(({ action, atMs }) => [action, atMs]))
  return cluster.requests.flatMap(({ responses }) =>
    responses.flatMap((answer) => {
      if (answer.outcome !== 'accepted') return []
      const startedMs = startOf.get(answer.action) ?? overMs
      return [{ acceptedMs: answer.atMs, delayMs: Math.max(0, startedMs - answer.atMs) }]
    }),
  )
}

/** When scripts started. */
export async function scriptStarts(cluster: Cluster): Promise<number[]> {
  const { runs } = await readScriptHistory(cluster.historyDir)
  return runs.map(({ atMs }) => atMs).toSorted((one, other) => one - other)
}
