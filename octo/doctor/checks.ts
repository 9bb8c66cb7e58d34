/** The checks of `octo doctor` against the server, each with a time limit. Called by commands/doctor.ts. */

import { openStream } from '../../client/output-stream.ts'
import { proofs } from '../../domain/access/proof.ts'
import { isActive } from '../../domain/actions.ts'
import { delay } from '../../lib/delay.ts'
import { formatAge, formatSize } from '../../lib/format-units.ts'
import { describeCredentialProblem } from '../api/credential-problem.ts'
import { listNames } from '../api/deployment-names.ts'
import { openLiveConnection } from '../api/live-connection.ts'
import type { ApiClient, ResponseOf } from '../api/types.ts'
import { CliError } from '../errors/cli-error.ts'
import { toCliError } from '../errors/http.ts'
import { actorLabel } from '../output/actor-label.ts'
import { type CheckDetail, type CheckResult, failedCheck, toDetail, toResult } from './result.ts'
import { readServerFindings, withoutRepetitions } from './server-findings.ts'

const timeoutMs = 6000
/** Longer than the check waits. */
const holdSeconds = 10

export async function runDoctorChecks(client: ApiClient): Promise<CheckResult[]> {
  const server = await runCheck('server', async () => {
    const startedMs = performance.now()
    const revision = await client.call('ping', {})
    return {
      detail: `build ${revision.trim()}, responded in ${Math.round(performance.now() - startedMs)} ms`,
    }
  })
  // The doctor of the server answers without PostgreSQL.
  if (server.kind === 'broken') return [server, ...(await readServerFindings(client))]
  if (server.result === 'bad') return [server]
  const identity = await checkIdentity(client)
  if (identity.some(({ result }) => result === 'bad')) return [server, ...identity]
  const [findings, ...checks] = await Promise.all([
    readServerFindings(client),
    runCheck('clock', () => checkClock(client)),
    runCheck('policy', () => checkPolicy(client)),
    runCheck('websocket', () => checkWebSocket(client)),
    runCheck('stream', () => checkOutputStream(client)),
    runCheck('history', () => checkHistory(client)),
  ])
  return [server, ...identity, ...checks, ...withoutRepetitions(findings, checks)]
}

async function runCheck(check: string, perform: () => Promise<CheckDetail>): Promise<CheckResult> {
  try {
    return toResult(check, await perform())
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    return failedCheck(check, error)
  }
}

/** Whether the credential has an effect, and who the caller is. */
async function checkIdentity(client: ApiClient): Promise<CheckResult[]> {
  let known: ResponseOf<'whoami'> | null = null
  const credential = await runCheck('credential', async () => {
    known = await client.call('whoami', {})
    const problem = describeCredentialProblem(client.connection, known.credential_recognized)
    if (problem !== null) return problem
    return client.connection.authorization === null
      ? { result: 'skipped', detail: 'octo sends none' }
      : { detail: 'the server recognizes it' }
  })
  if (known === null) return [credential]
  return [credential, describeIdentity(known)]
}

function describeIdentity(known: ResponseOf<'whoami'>): CheckResult {
  const { role, grants, project } = known
  const who = `${actorLabel(known)}, ${proofs[known.proof].label}`
  const grant = grants.find((one) => one.role === role)
  if (role === null || grant === undefined)
    return toResult('identity', {
      result: 'bad',
      detail: `${who}, has no role in project ${project}`,
      remedy: 'Ask an admin for a rule of the policy that names you. octo whoami --claims shows your groups.',
      kind: 'not_allowed',
    })
  const more = grants.length === 1 ? '' : `, and ${grants.length - 1} more`
  const detail = `${who}, role ${role} of ${grant.names.join(', ')} in project ${project} by ${grant.rule}${more}`
  return toResult('identity', { detail })
}

/** The header has whole seconds, and its way takes time. */
const clockToleranceMs = 30_000

async function checkClock(client: ApiClient): Promise<CheckDetail> {
  const response = await client.http.fetch('ping', {}).catch((error) => {
    throw toCliError(client.connection, error, false)
  })
  await response.text()
  const serverTimeMs = Date.parse(response.headers.get('date') ?? '')
  if (Number.isNaN(serverTimeMs)) return { result: 'skipped', detail: 'the server does not tell its time' }
  const offsetMs = Date.now() - serverTimeMs
  if (Math.abs(offsetMs) <= clockToleranceMs) return { detail: 'as that of the server' }
  const direction = offsetMs > 0 ? 'ahead of' : 'behind'
  const text = `${formatAge(Math.abs(offsetMs))} ${direction} that of the server`
  return toDetail(client, 'client_clock', text, 'failed')
}

async function checkPolicy(client: ApiClient): Promise<CheckDetail> {
  try {
    const { file, problems, rules } = await client.call('getPolicy', {})
    if (file === null) return { result: 'skipped', detail: 'there is no policy file (OCTOPOD_POLICY)' }
    if (problems.length === 0) return { detail: `${file} with ${rules.length} rules is in use` }
    return {
      result: 'bad',
      kind: 'failed',
      detail: `the present ${file} is rejected, and an earlier policy is in use: ${problems.join(' · ')}`,
      remedy: 'Correct the file; octo policy check FILE shows its problems before it is used.',
    }
  } catch (error) {
    if (error instanceof CliError && error.kind === 'not_allowed')
      return { result: 'skipped', detail: 'only admins may read the policy' }
    // An older server.
    if (error instanceof CliError && error.status === 404)
      return { result: 'skipped', detail: 'the server does not tell its policy' }
    throw error
  }
}

async function checkWebSocket(client: ApiClient): Promise<CheckDetail> {
  const received = new AbortController()
  const connection = openLiveConnection(client, {
    onEvent: () => connection.isLive() && received.abort(),
  })
  await delay(timeoutMs, received.signal)
  connection.close()
  if (received.signal.aborted) return { detail: 'connected, and the server sent its greeting' }
  const detail = `no greeting from /event within ${timeoutMs / 1000} s; octo wait and octo watch poll instead.`
  return toDetail(client, 'websocket_blocked', detail, 'unreachable')
}

/**
 * Requests only the end of the stream, of an action that has ended. The server sends it at once and keeps the stream
 * open for longer than this check waits, so it arrives only if no proxy collects the answer first.
 */
async function checkOutputStream(client: ApiClient): Promise<CheckDetail> {
  const actionId = await findFinishedAction(client)
  if (actionId === null) return { result: 'skipped', detail: 'there is no finished action to read' }
  const detail = `the output stream sent nothing within ${timeoutMs / 1000} s; --follow shows output late or page by page.`
  const buffered = toDetail(client, 'stream_buffered', detail, 'unreachable')
  const timeLimit = new AbortController()
  const timer = setTimeout(() => timeLimit.abort(), timeoutMs)
  try {
    const end = await readStreamEnd(client, actionId, timeLimit.signal, holdSeconds).catch((error) => {
      // An older server does not know the parameter.
      if (!(error instanceof CliError) || error.status !== 400) throw error
      return readStreamEnd(client, actionId, timeLimit.signal)
    })
    if (end) return { detail: 'output arrives while it is written' }
  } catch (error) {
    if (timeLimit.signal.aborted) return buffered
    if (error instanceof CliError && error.kind === 'not_allowed') {
      return { result: 'skipped', detail: 'this credential may not read output' }
    }
    throw error
  } finally {
    clearTimeout(timer)
  }
  return buffered
}

/** Whether the last event of the stream has arrived. Closes the stream. */
async function readStreamEnd(
  client: ApiClient,
  actionId: number,
  signal: AbortSignal,
  hold?: number,
): Promise<boolean> {
  const beyondLastSeq = 1_000_000_000
  const options = { after: beyondLastSeq, silenceTimeoutMs: 2 * timeoutMs, signal, ...(hold && { hold }) }
  try {
    const { done, value } = await openStream(client.http, actionId, options).next()
    return done === true && value !== null
  } catch (error) {
    throw signal.aborted ? error : toCliError(client.connection, error, false)
  }
}

async function checkHistory(client: ApiClient): Promise<CheckDetail> {
  try {
    const { output, limits } = await client.call('getStorage', {})
    const size = `${formatSize(output.bytes)} of output in ${output.chunks} chunks`
    const shown = Object.entries(limits).flatMap(([name, value]) =>
      value === 0 ? [] : [`${name} ${formatLimit(name, value)}`],
    )
    if (shown.length > 0) return { detail: `${size}; limited by ${shown.join(', ')}` }
    return {
      detail: `${size}; nothing limits it`,
      remedy: 'To limit it, set OUTPUT_RETENTION or OUTPUT_TOTAL_LIMIT for servers and runners.',
    }
  } catch (error) {
    // An older server.
    if (error instanceof CliError && error.status === 404)
      return { result: 'skipped', detail: 'the server does not tell the size of its history' }
    throw error
  }
}

function formatLimit(name: string, value: number): string {
  if (name.endsWith('_RETENTION')) return formatAge(value * 1000)
  return name.startsWith('OUTPUT') ? formatSize(value) : String(value)
}

/** Looks at a few deployments only: the list of all may have megabytes. */
async function findFinishedAction(client: ApiClient): Promise<number | null> {
  for (const name of (await listNames(client)).slice(0, 5)) {
    const { last_action: lastAction } = await client.call('getFullInfo', { params: { name } })
    if (lastAction !== null && !isActive(lastAction.state)) return lastAction.action_id
  }
  return null
}
