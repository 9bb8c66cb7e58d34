/**
 * People who sign in at an identity provider, act, and sign out or are signed out, at random servers and while faults
 * happen. Every answer is recorded for the checker.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import { WebSocket } from 'ws'
import { apiPrefix, authPaths, buildPath, headers } from '../../../domain/endpoints.ts'
import {
  signInWithFetch,
  startOidcProvider,
  type TestOidcProvider,
} from '../../helpers/oidc/oidc-provider.ts'
import type { RecordedSession, SessionAnswer } from '../checker/history.ts'
import { nowMs } from './clock.ts'
import type { Cluster } from './cluster.ts'
import { adminHeader } from './programs.ts'
import type { Random } from './random.ts'

/** The address of the page. No server listens there: the browsers of this file send its Origin to every server. */
const appUrl = 'http://127.0.0.1:9'

export type SignInAttempt = {
  atMs: number
  /** How long the slower of the two answers of the server took. */
  tookMs: number
  /** `unreachable`: the server says that the provider does not answer. `failed`: no clear answer, as of a killed server. */
  outcome: 'signed in' | 'unreachable' | 'failed'
}

export type People = {
  signIns: SignInAttempt[]
  /** Resolves when the last person has stopped, and every ended session was tried long enough. */
  stop(): Promise<void>
}

const staff = 'staff'

/** Also returns the settings of the servers. */
export async function startProvider(people: number): Promise<{
  provider: TestOidcProvider
  settings: Record<string, string>
}> {
  const accounts = Object.fromEntries(
    Array.from({ length: people }, (_, at) => [subjectOf(at), { name: `Person ${at}`, groups: [staff] }]),
  )
  const provider = await startOidcProvider({ accounts, redirectUris: [`${appUrl}${authPaths.callback}`] })
  const settings = {
    APP_URL: appUrl,
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: provider.clientId,
    OIDC_CLIENT_SECRET: provider.clientSecret,
    OIDC_ALLOWED_GROUPS: staff,
    // Somebody whose session is ignored would be an anonymous viewer.
    ANONYMOUS_ROLE: 'viewer',
  }
  return { provider, settings }
}

export const subjectOf = (at: number): string => `person-${at}`

type Options = {
  people: number
  /** How long a session is used before it is ended. */
  useMs: number
  /** How long an ended session is tried. */
  tryMs: number
  /** How long a request may take: longer than a server is frozen. */
  timeoutMs: number
  /** Instead of signing out. `tryAll` tries the session once at every server. */
  revoke?: (session: RecordedSession, tryAll: () => Promise<void>) => Promise<void>
}

export function startPeople(cluster: Cluster, options: Options): People {
  const { people, useMs, tryMs, timeoutMs } = options
  const random = cluster.random.fork()
  const signIns: SignInAttempt[] = []
  const trials: Promise<void>[] = []
  let isStopping = false
  const serverUrl = (from: Random) =>
    cluster.serverUrls().length === 0 ? null : from.pick(cluster.serverUrls())

  const signIn = async (subject: string, url: string): Promise<Browser | null> => {
    const atMs = nowMs()
    const browser = createBrowser(timeoutMs)
    let outcome: SignInAttempt['outcome'] = 'failed'
    let tookMs = 0
    const get = async (path: string) => {
      const sentMs = nowMs()
      return browser.send('GET', url + path).finally(() => {
        tookMs = Math.max(tookMs, nowMs() - sentMs)
      })
    }
    try {
      const start = await get(authPaths.login)
      if (start.status === 503) outcome = 'unreachable'
      const location = start.headers.location
      if (start.status !== 303 || typeof location !== 'string') return null
      const back = await signInWithFetch(location, subject)
      const end = await get(back.pathname + back.search)
      if (end.status === 503) outcome = 'unreachable'
      if (end.status !== 303 || browser.session() === undefined) return null
      outcome = 'signed in'
      return browser
    } catch {
      return null
    } finally {
      signIns.push({ atMs, tookMs, outcome })
    }
  }

  const person = async (at: number, own: Random) => {
    const subject = subjectOf(at)
    for (let count = 0; !isStopping; count += 1) {
      const url = serverUrl(own)
      const browser = url === null ? null : await signIn(subject, url)
      if (browser === null) {
        await sleep(200)
        continue
      }
      const session: RecordedSession = {
        person: subject,
        startedMs: nowMs(),
        endAskedMs: null,
        endedMs: null,
        mayEnd: options.revoke !== undefined,
        answers: [],
        sockets: [],
      }
      cluster.sessions.push(session)
      const closeSockets = await openSockets(session, browser, cluster.serverUrls())
      const untilMs = nowMs() + own.between(0.5, 1.5) * useMs
      for (let step = 0; nowMs() < untilMs && !isStopping; step += 1) {
        const target = serverUrl(own)
        if (target === null) await sleep(50)
        else if (step % 7 === 3) await act(browser, target, at, `${subject} ${count} ${step}`)
        else if (step % 7 === 5) await tryForbidden(cluster, browser, target, at)
        else await ask(session, browser, target)
        await sleep(own.between(20, 120))
      }
      const tryAll = async () => {
        await Promise.all(cluster.serverUrls().map((server) => ask(session, browser, server)))
      }
      if (options.revoke !== undefined) await options.revoke(session, tryAll)
      else if (own.below(2) === 0) await signOut(session, browser, serverUrl(own))
      else await endByAdmin(session, serverUrl(own))
      trials.push(tryEnded(tryAll, own.fork()).finally(closeSockets))
    }
  }

  /** Tries every server again and again: often at first, then now and then. */
  const tryEnded = async (tryAll: () => Promise<void>, own: Random) => {
    const fromMs = nowMs()
    while (nowMs() < fromMs + tryMs) {
      await tryAll()
      await sleep(nowMs() < fromMs + 3000 ? own.between(100, 300) : own.between(1000, 3000))
    }
  }

  const done = Promise.all(Array.from({ length: people }, (_, at) => person(at, random.fork())))
  return {
    signIns,
    stop: async () => {
      isStopping = true
      await done
      await Promise.all(trials)
    },
  }
}

type Browser = ReturnType<typeof createBrowser>

/** Keeps its session, whatever a server says about it. */
function createBrowser(timeoutMs: number) {
  const cookies = new Map<string, string>()
  const isSession = (name: string) => /octopod-[0-9a-f]{8}$/.test(name)
  const cookieHeader = () => [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  return {
    cookieHeader,
    session: () => [...cookies].find(([name]) => isSession(name))?.[1],
    send: async (method: 'GET' | 'POST' | 'DELETE', url: string, more: Record<string, string> = {}) => {
      const answer = await request(url, {
        method,
        headers: { cookie: cookieHeader(), ...(method === 'GET' ? {} : { origin: appUrl }), ...more },
        signal: AbortSignal.timeout(timeoutMs),
        headersTimeout: timeoutMs,
      })
      for (const cookie of [answer.headers['set-cookie'] ?? []].flat()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
        if (value !== '') cookies.set(name, value)
        else if (!isSession(name)) cookies.delete(name)
      }
      return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
    },
  }
}

async function ask(session: RecordedSession, browser: Browser, url: string): Promise<void> {
  const sentMs = nowMs()
  const answer = await browser.send('GET', url + buildPath('whoami')).then(
    ({ status, text }) => readAnswer(status, text),
    () => ({ outcome: 'unknown' }) as const,
  )
  session.answers.push({ sentMs, atMs: nowMs(), server: url, ...answer })
}

function readAnswer(status: number, text: string): Pick<SessionAnswer, 'outcome' | 'who'> {
  if (status === 200) {
    const { subject, has_session: hasSession } = JSON.parse(text) as {
      subject: string | null
      has_session: boolean
    }
    return { outcome: 'accepted', who: hasSession ? subject : null }
  }
  if (status !== 401) return { outcome: 'unknown' }
  const { code } = JSON.parse(text) as { code: string }
  return code === 'session_ended' ? { outcome: 'ended' } : { outcome: 'accepted', who: null }
}

/** The archiving of such a deployment never completes, so it can be requested again and again. */
export const deploymentOf = (at: number): string => `again-own-${at}`

/** The reason says who asks for it; the database says later who is stored. */
async function act(browser: Browser, url: string, at: number, reason: string): Promise<void> {
  const path = buildPath('archiveDeployment', { name: deploymentOf(at) })
  await browser.send('DELETE', url + path, { [headers.reason]: encodeURIComponent(reason) }).catch(() => {})
}

/** Only an admin may. The id of the request is in the audit log when the answer is 403. */
async function tryForbidden(cluster: Cluster, browser: Browser, url: string, at: number): Promise<void> {
  const requestId = `refused-${randomUUID()}`
  const path = buildPath('deleteDeployment', { name: deploymentOf(at) })
  const answer = await browser
    .send('DELETE', url + path, { [headers.requestId]: requestId })
    .catch(() => null)
  if (answer?.status === 403) cluster.refusedRequests.push(requestId)
}

async function signOut(session: RecordedSession, browser: Browser, url: string | null): Promise<void> {
  if (url === null) return
  session.endAskedMs = nowMs()
  const answer = await browser.send('POST', url + authPaths.logout).catch(() => null)
  if (answer?.status === 200) session.endedMs = nowMs()
}

async function endByAdmin(session: RecordedSession, url: string | null): Promise<void> {
  if (url === null) return
  const admin = createBrowser(10_000)
  const authorization = { authorization: adminHeader }
  session.endAskedMs = nowMs()
  try {
    const list = await admin.send('GET', `${url}${apiPrefix}/sessions?all=true`, authorization)
    if (list.status !== 200) return
    const found = (JSON.parse(list.text) as { session_id: number; subject: string }[]).filter(
      ({ subject }) => subject === session.person,
    )
    const answers = await Promise.all(
      found.map(({ session_id }) =>
        admin.send('DELETE', url + buildPath('endSession', { session_id }), authorization),
      ),
    )
    // An earlier session of the person may have ended meanwhile.
    if (
      answers.some(({ status }) => status === 200) &&
      answers.every(({ status }) => status === 200 || status === 404)
    )
      session.endedMs = nowMs()
  } catch {
    // The server or a datastore is unreachable.
  }
}

/** One at each server. Returns a function that closes them. */
async function openSockets(
  session: RecordedSession,
  browser: Browser,
  urls: readonly string[],
): Promise<() => void> {
  const sockets = urls.map((server) => {
    const socket = new WebSocket(`${server.replace('http', 'ws')}/event`, {
      origin: appUrl,
      headers: { Cookie: browser.cookieHeader() },
      handshakeTimeout: 5000,
    })
    socket.on('error', () => {})
    const opened = new Promise<void>((resolve) => {
      socket.once('close', () => resolve())
      socket.once('open', () => {
        const record: RecordedSession['sockets'][number] = {
          server,
          openedMs: nowMs(),
          closedMs: null,
          leftMs: null,
        }
        session.sockets.push(record)
        socket.once('close', () => {
          // The server is gone, or has closed it.
          if (record.leftMs === null) record.closedMs = nowMs()
        })
        resolve()
      })
    })
    return { socket, opened }
  })
  await Promise.race([Promise.all(sockets.map(({ opened }) => opened)), sleep(2000)])
  return () => {
    for (const record of session.sockets) if (record.closedMs === null) record.leftMs = nowMs()
    for (const { socket } of sockets) socket.terminate()
  }
}
