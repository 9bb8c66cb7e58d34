/** An HTTP client for tests, with helpers that wait for the results of actions. */
import assert from 'node:assert/strict'
import type { Override } from '../../domain/overrides.ts'
import { valueAdded } from '../../domain/overrides.ts'
import type { Action, FullInfoWithCheck } from '../../domain/schemas.ts'
import { adminHeader } from './system.ts'
import { waitFor } from './wait-for.ts'

export type ApiResponse = { status: number; body: unknown; text: string; headers: Headers }

export function createApiClient(url: string, authorization: string | null = adminHeader) {
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiResponse> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(authorization === null ? {} : { Authorization: authorization }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, text, body: parseJson(text), headers: response.headers }
  }
  const api = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
    call(method, `/api/v1${path}`, body, headers)
  const fullInfo = async (name: string) =>
    (await api('GET', `/deployments/${name}/full_info`)).body as FullInfoWithCheck
  return {
    call,
    api,
    fullInfo,
    create: (name: string, app: Record<string, string> = {}, headers?: Record<string, string>) =>
      api('POST', '/deployments', { name, app_overrides: overrides(app), deployment_overrides: [] }, headers),
    update: (name: string, app: Record<string, string> = {}, headers?: Record<string, string>) =>
      api(
        'PUT',
        `/deployments/${name}`,
        { app_overrides: overrides(app), deployment_overrides: [] },
        headers,
      ),
    archive: (name: string) => api('DELETE', `/deployments/${name}`),
    restore: (name: string) => api('PATCH', `/deployments/${name}/restore`),
    cleanup: (name: string) => api('DELETE', `/deployments/${name}/cleanup`),
    actions: async (name: string) => (await api('GET', `/deployments/${name}/actions`)).body as Action[],
    /** Waits until the deployment has this status and no action runs. */
    waitForStatus: (name: string, status: string) =>
      waitFor(`${name} is ${status}`, async () => {
        const info = await fullInfo(name)
        const recorded = info.status?.recorded_status as { tag: string; contents?: string } | undefined
        const now = `${recorded?.contents ?? recorded?.tag}${info.status?.tag === 'DeploymentPending' ? ' (pending)' : ''}`
        return { done: now === status, value: info, seen: now }
      }),
    waitForOutput: (actionId: number, pattern: RegExp) =>
      waitFor(`action ${actionId} has printed ${pattern}`, async () => {
        const { text } = await api('GET', `/log/${actionId}`)
        return { done: pattern.test(text), value: text, seen: text }
      }),
    waitUntilDeleted: (name: string) =>
      waitFor(`${name} is deleted`, async () => {
        const { status } = await api('GET', `/deployments/${name}/full_info`)
        return { done: status === 404, value: null, seen: status }
      }),
    /** The deployment may stay pending after it, until its first check has ended (waitForStatus). */
    waitForActionEnd: (actionId: number) =>
      waitFor(`action ${actionId} has ended`, async () => {
        const action = (await api('GET', `/actions/${actionId}`)).body as Action
        return { done: !['queued', 'running'].includes(action.state), value: action, seen: action.state }
      }),
  }
}

export const adminHeaders = { Authorization: adminHeader }

export type ApiClient = ReturnType<typeof createApiClient>

export const overrides = (values: Record<string, string>): Override[] =>
  Object.entries(values).map(([key, value]) => valueAdded(key, value))

/** @throws AssertionError with the answer when no action was accepted */
export function getActionId({ status, text, headers }: ApiResponse): number {
  const actionId = headers.get('octopod-action-id')
  assert.ok(actionId !== null, `no action was accepted: ${status} ${text}`)
  return Number(actionId)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
