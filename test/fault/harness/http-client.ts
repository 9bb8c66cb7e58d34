/** One intention of a client: sent again with the same key, to whichever server is there, until the answer is definite. */
import { setTimeout as sleep } from 'node:timers/promises'
import { buildPath, type EndpointName, endpoints, headers } from '../../../domain/endpoints.ts'
import type { RecordedRequest, RecordedResponse } from '../checker/history.ts'
import { nowMs } from './clock.ts'
import { adminHeader } from './programs.ts'
import type { Random } from './random.ts'

export const kinds = {
  create: 'createDeployment',
  update: 'updateDeployment',
  archive: 'archiveDeployment',
  restore: 'restoreDeployment',
  cleanup: 'cleanupDeployment',
} as const satisfies Record<string, EndpointName>
export type Kind = keyof typeof kinds

export type ClientRequest = { key: string; kind: Kind; deployment: string; behaviour?: string | undefined }

/** For one answer, and until an intention is given up. */
const responseTimeoutMs = 20_000
export const timeoutMs = 1000 * Number(process.env.FAULT_PATIENCE ?? 120)

/** Adds what it asks and hears to `asked`; ends with the definite answer, or without one when `givenUp` says so: after FAULT_PATIENCE. */
export async function sendUntilAnswered(
  asked: RecordedRequest[],
  urls: () => string[],
  random: Random,
  intention: ClientRequest,
  givenUp: () => boolean = expiresAfter(timeoutMs),
): Promise<RecordedResponse | undefined> {
  const { key, kind, deployment } = intention
  const mine: RecordedRequest = { key, kind, deployment, sentMs: nowMs(), responses: [] }
  asked.push(mine)
  for (;;) {
    const answer = urls().length === 0 ? unknown('no server') : await sendOnce(random.pick(urls()), intention)
    mine.responses.push(answer)
    if (answer.outcome !== 'unknown') return answer
    if (givenUp()) return undefined
    await sleep(random.between(50, 250))
  }
}

function expiresAfter(limitMs: number): () => boolean {
  const end = performance.now() + limitMs
  return () => performance.now() > end
}

/** One time only. An answer that leaves it open begins with its status, where there is one. */
export async function sendOnce(
  url: string,
  { key, kind, deployment, behaviour }: ClientRequest,
): Promise<RecordedResponse> {
  const place = kinds[kind]
  const overrides = {
    app_overrides: behaviour === undefined ? [] : [['behave', { tag: 'ValueAdded', contents: behaviour }]],
    deployment_overrides: [],
  }
  const body =
    kind === 'create' ? { name: deployment, ...overrides } : kind === 'update' ? overrides : undefined
  try {
    const response = await fetch(url + buildPath(place, { name: deployment }), {
      method: endpoints[place].method,
      headers: {
        Authorization: adminHeader,
        [headers.idempotencyKey]: key,
        // The database keeps it with the action: that is how the history knows for which key it was begun.
        [headers.reason]: key,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(responseTimeoutMs),
    })
    const text = await response.text()
    if (response.ok)
      return { atMs: nowMs(), outcome: 'accepted', action: Number(response.headers.get(headers.actionId)) }
    const code = /"code":"(\w+)"/.exec(text)?.[1] ?? 'no code'
    return isFinal(response.status)
      ? { atMs: nowMs(), outcome: 'rejected', code }
      : unknown(`${response.status} ${code}`)
  } catch (error) {
    return unknown(
      error instanceof Error ? `${error.name} ${(error.cause as Error)?.message ?? ''}` : 'error',
    )
  }
}

/** 405: this server stops; 5xx: somebody is away. Both say: send it again. */
const isFinal = (status: number) => status < 500 && status !== 405
const unknown = (code: string): RecordedResponse => ({ atMs: nowMs(), outcome: 'unknown', code })

export type ObservedState = { status: string; pending: boolean } | 'none' | 'unknown'

/** How a deployment stands, as one server says it just now. */
export async function observeDeployment(url: string | undefined, deployment: string): Promise<ObservedState> {
  if (url === undefined) return 'unknown'
  try {
    const response = await fetch(url + buildPath('getFullInfo', { name: deployment }), {
      headers: { Authorization: adminHeader },
      signal: AbortSignal.timeout(5000),
    })
    const body = (await response.json()) as { status: { tag: string; recorded_status: { tag: string } } }
    if (response.status === 404) return 'none'
    if (!response.ok) return 'unknown'
    return { status: body.status.recorded_status.tag, pending: body.status.tag === 'DeploymentPending' }
  } catch {
    return 'unknown'
  }
}

/** Asks for the end of whatever runs there; whether it was heard does not matter. */
export async function cancelLatestAction(url: string | undefined, deployment: string): Promise<void> {
  try {
    const list = await fetch(`${url + buildPath('listActions', { name: deployment })}?limit=1`, {
      headers: { Authorization: adminHeader },
      signal: AbortSignal.timeout(5000),
    })
    const [action] = (await list.json()) as { action_id: number }[]
    if (action !== undefined) await cancelAction(url, action.action_id)
  } catch {
    // The server or its stores are away.
  }
}

/** The status of the answer. */
export async function cancelAction(url: string | undefined, action: number): Promise<number> {
  const response = await fetch(url + buildPath('cancelAction', { action_id: action }), {
    headers: { Authorization: adminHeader },
    method: 'POST',
    signal: AbortSignal.timeout(10_000),
  })
  await response.arrayBuffer()
  return response.status
}
