/**
 * A system in which people sign in at a test provider, and a browser without a page: it keeps cookies, follows the redirects of a
 * sign-in and sends its Origin.
 */
import assert from 'node:assert/strict'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request as httpRequest } from 'undici'
import { freePort } from '../../../lib/node/ports.ts'
import { type ApiResponse, overrides } from '../api-client.ts'
import { type System, startSystem } from '../system.ts'
import {
  signInWithFetch,
  startOidcProvider,
  type TestAccount,
  type TestOidcProvider,
} from './oidc-provider.ts'

export type SignedInSystem = {
  system: System
  provider: TestOidcProvider
  /** APP_URL. */
  origin: string
  browser(): Browser
  /** Signs a new browser in. */
  signIn(subject: string): Promise<Browser>
  writePolicy(text: string): Promise<void>
  stop(): Promise<void>
}

export type Browser = {
  cookies: Map<string, string>
  /** Of the provider. */
  providerCookies: Map<string, string>
  request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string | null>,
  ): Promise<ApiResponse>
  api(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string | null>,
  ): Promise<ApiResponse>
  create(name: string): Promise<ApiResponse>
  /** Returns where the browser is at the end. */
  signIn(subject: string, returnTo?: string): Promise<string>
  cookieHeader(): string
  /** The value of the session cookie; undefined without one. */
  sessionId(): string | undefined
}

export const people: Record<string, TestAccount> = {
  ada: { name: 'Ada Admin', email: 'ada@example.com', groups: ['platform'] },
  dev1: { name: 'Dev One', email: 'dev1@example.com', groups: ['shop'] },
  dev2: { name: 'Dev Two', email: 'dev2@example.com', groups: ['shop'] },
  view1: { name: 'View One', email: 'view1@example.com', groups: ['guests'] },
  nobody1: { name: 'Nobody One', email: 'nobody1@example.com', groups: [] },
}

export const policy = `version: 1
rules:
  - group: platform
    role: admin
  - group: shop
    role: developer
    names: [shop-*]
  - group: guests
    role: viewer
`

export async function startSignedInSystem(
  env: Record<string, string> = {},
  options: { runner?: boolean } = {},
): Promise<SignedInSystem> {
  const provider = await startOidcProvider({ accounts: people })
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  provider.allowRedirects(`${origin}/auth/callback`, `${origin}/`)
  const folder = await mkdtemp(join(tmpdir(), 'octopod-policy-'))
  const policyFile = join(folder, 'policy.yaml')
  await writeFile(policyFile, policy)
  const system = await startSystem({
    ...options,
    env: {
      PORT: String(port),
      APP_URL: origin,
      ANONYMOUS_ROLE: 'none',
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: provider.clientId,
      OIDC_CLIENT_SECRET: provider.clientSecret,
      OCTOPOD_POLICY: policyFile,
      ...env,
    },
  }).catch(async (error) => {
    await provider.stop()
    throw error
  })
  const browser = () => createBrowser(origin)
  return {
    system,
    provider,
    origin,
    browser,
    signIn: async (subject) => {
      const one = browser()
      await one.signIn(subject)
      return one
    },
    writePolicy: (text) => writeFile(policyFile, text),
    stop: async () => {
      await system.stop()
      await provider.stop()
    },
  }
}

/** `url`: where it sends its requests, with the path of APP_URL. */
export function createBrowser(origin: string, url = origin): Browser {
  const cookies = new Map<string, string>()
  const providerCookies = new Map<string, string>()
  const cookieHeader = () => [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const request: Browser['request'] = async (method, path, body, headers = {}) => {
    const all: Record<string, string | null> = {
      ...(cookies.size > 0 ? { Cookie: cookieHeader() } : {}),
      ...(method === 'GET' ? {} : { Origin: origin }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    }
    const sent = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null)
    // fetch would say that no browser navigates here.
    const answer = await httpRequest(`${url}${path}`, {
      method,
      headers: Object.fromEntries(sent),
      body: body === undefined ? null : JSON.stringify(body),
    })
    const received = new Headers()
    for (const [name, value] of Object.entries(answer.headers))
      for (const one of [value ?? []].flat()) received.append(name, one)
    for (const cookie of received.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (value === '') cookies.delete(name)
      else cookies.set(name, value)
    }
    const text = await answer.body.text()
    const parsed: unknown = /^[[{]/.test(text) ? JSON.parse(text) : text
    return { status: answer.statusCode, text, body: parsed, headers: received }
  }
  const api: Browser['api'] = (method, path, ...rest) => request(method, `/api/v1${path}`, ...rest)
  return {
    cookies,
    providerCookies,
    request,
    api,
    cookieHeader,
    create: (name) =>
      api('POST', '/deployments', { name, app_overrides: overrides({}), deployment_overrides: [] }),
    sessionId: () => [...cookies].find(([name]) => /octopod-[0-9a-f]{8}$/.test(name))?.[1],
    async signIn(subject, returnTo = '/') {
      const start = await request('GET', `/auth/login?returnTo=${encodeURIComponent(returnTo)}`)
      assert.equal(start.status, 303, start.text)
      const back = await signInWithFetch(start.headers.get('location') ?? '', subject, {
        cookies: providerCookies,
      })
      const { pathname } = new URL(url)
      const end = await request('GET', back.pathname.slice(pathname.replace(/\/$/, '').length) + back.search)
      assert.equal(end.status, 303, end.text)
      return end.headers.get('location') ?? ''
    },
  }
}
