/**
 * The HTTP client of the fault tests: repeats a request with the same key until the response is final, and
 * records it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { WhenBusy } from '../../../domain/actions.ts'
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

export type ClientRequest = {
  key: string
  kind: Kind
  deployment: string
  behaviour?: string | undefined
  /** A further value of the config, which tells pushes apart. */
  version?: string
  whenBusy?: WhenBusy
}

/** For one response. */
const responseTimeoutMs = 20_000
/** For a request with all its repetitions, and for everything else a test waits for. */
export const timeoutMs = 1000 * Number(process.env.FAULT_TIMEOUT ?? 120)

/**
 * Appends the request to `requests`. Resolves with the final response, or with undefined when `isTimeUp`
 * returns true before.
 */
export async function sendUntilAnswered(
  requests: RecordedRequest[],
  serverUrls: () => string[],
  random: Random,
  request: ClientRequest,
  isTimeUp: () => boolean = expiresAfter(timeoutMs),
): Promise<RecordedResponse | undefined> {
  const { key, kind, deployment } = request
  const recorded: RecordedRequest = { key, kind, deployment, sentMs: nowMs(), responses: [] }
  requests.push(recorded)
  for (;;) {
    const urls = serverUrls()
    const response = urls.length === 0 ? unknown('no server') : await sendOnce(random.pick(urls), request)
    recorded.responses.push(response)
    if (response.outcome !== 'unknown') return response
    if (isTimeUp()) return undefined
    await sleep(random.between(50, 250))
  }
}

/** Sends the request once, appends it to `requests` and never repeats it. The client leaves when `leave` aborts. */
export async function sendAndGiveUp(
  requests: RecordedRequest[],
  url: string,
  request: ClientRequest,
  leave?: AbortSignal,
): Promise<RecordedResponse> {
  const { key, kind, deployment } = request
  const recorded = {
    key,
    kind,
    deployment,
    sentMs: nowMs(),
    isGivenUp: true,
    responses: [] as RecordedResponse[],
  }
  requests.push(recorded)
  const response = await sendOnce(url, request, leave)
  recorded.responses.push(response)
  return response
}

function expiresAfter(limitMs: number): () => boolean {
  const deadline = performance.now() + limitMs
  return () => performance.now() > deadline
}

/** Sends the request once. The code of an unknown outcome begins with the HTTP status, if there was one. */
export async function sendOnce(
  url: string,
  { key, kind, deployment, behaviour, version, whenBusy }: ClientRequest,
  leave = AbortSignal.timeout(responseTimeoutMs),
): Promise<RecordedResponse> {
  const endpoint = kinds[kind]
  const overrides = {
    app_overrides: Object.entries({ behave: behaviour, version }).flatMap(([name, contents]) =>
      contents === undefined ? [] : [[name, { tag: 'ValueAdded', contents }]],
    ),
    deployment_overrides: [],
  }
  const body =
    kind === 'create' ? { name: deployment, ...overrides } : kind === 'update' ? overrides : undefined
  try {
    const response = await fetch(url + buildPath(endpoint, { name: deployment }), {
      method: endpoints[endpoint].method,
      headers: {
        Authorization: adminHeader,
        [headers.idempotencyKey]: key,
        // The database stores the reason with the action, so the history knows which key created it.
        [headers.reason]: key,
        ...(whenBusy === undefined ? {} : { [headers.whenBusy]: whenBusy }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: leave,
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

/** After 405 (the server is shutting down) and 5xx (a datastore is unreachable) a client repeats the request. */
const isFinal = (status: number) => status < 500 && status !== 405
const unknown = (code: string): RecordedResponse => ({ atMs: nowMs(), outcome: 'unknown', code })

export type ObservedState = { status: string; pending: boolean } | 'none' | 'unknown'

/** The state of a deployment, as one server reports it. */
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

/** Requests the cancellation of the latest action. Ignores failures. */
export async function cancelLatestAction(url: string | undefined, deployment: string): Promise<void> {
  try {
    const list = await fetch(`${url + buildPath('listActions', { name: deployment })}?limit=1`, {
      headers: { Authorization: adminHeader },
      signal: AbortSignal.timeout(5000),
    })
    const [action] = (await list.json()) as { action_id: number }[]
    if (action !== undefined) await cancelAction(url, action.action_id)
  } catch {
    // The server or a datastore is unreachable.
  }
}

/** Resolves with the HTTP status. */
export async function cancelAction(url: string | undefined, action: number): Promise<number> {
  const response = await fetch(url + buildPath('cancelAction', { action_id: action }), {
    headers: { Authorization: adminHeader },
    method: 'POST',
    signal: AbortSignal.timeout(10_000),
  })
  await response.arrayBuffer()
  return response.status
}
