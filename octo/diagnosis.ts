/** What octo doctor asks of the server, each question bounded in time. Called by commands/doctor.ts. */
import { isActive } from '../domain/action.ts'
import type { Octopod } from './client.ts'
import { Failure, type FailureKind } from './failure.ts'
import { streamed } from './follow.ts'
import { openLive } from './live.ts'
import { pause } from './retry.ts'

export type Finding = {
  check: string
  result: 'ok' | 'bad' | 'skipped'
  detail: string
  remedy: string | null
  kind: FailureKind | null
}
type Said = Pick<Finding, 'detail'> & Partial<Finding>

const patienceMs = 6000

export async function diagnose(octopod: Octopod): Promise<Finding[]> {
  const server = await found('server', async () => {
    const begun = performance.now()
    const revision = await octopod.call('ping', {})
    return { detail: `build ${revision.trim()}, answered in ${Math.round(performance.now() - begun)} ms` }
  })
  if (server.result === 'bad') return [server]
  const credential = await found('credential', async () => {
    const { role, actor, project } = await octopod.call('whoami', {})
    return { detail: `role ${role} of project ${project}, known as ${actor}` }
  })
  if (credential.result === 'bad') return [server, credential]
  const [websocket, stream] = await Promise.all([
    found('websocket', () => hear(octopod)),
    found('stream', () => readStream(octopod)),
  ])
  return [server, credential, websocket, stream]
}

async function found(check: string, look: () => Promise<Said>): Promise<Finding> {
  try {
    return { check, result: 'ok', remedy: null, kind: null, ...(await look()) }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { check, result: 'bad', detail: error.message, remedy: error.remedy, kind: error.kind }
  }
}

async function hear(octopod: Octopod): Promise<Said> {
  const heard = new AbortController()
  const live = openLive(octopod, { hear: () => heard.abort() })
  await pause(patienceMs, heard.signal)
  live.close()
  if (heard.signal.aborted) return { detail: 'opened, and the server greets' }
  throw new Failure(
    'unreachable',
    `no greeting from /event within ${patienceMs / 1000} s; octo wait and watch ask again and again instead.`,
    'Let the proxy or ingress pass websockets (Upgrade) at /event.',
  )
}

/** The stream of an action that has ended, asked for its end only. */
async function readStream(octopod: Octopod): Promise<Said> {
  const deployments = await octopod.call('listDeployments', {})
  const ended = deployments.find(({ last_action }) => last_action !== null && !isActive(last_action.state))
  if (!ended?.last_action) return { result: 'skipped', detail: 'there is no ended action to look at' }
  const afterAll = 1_000_000_000
  try {
    const end = await streamed(octopod, ended.last_action.action_id, afterAll, patienceMs).next()
    if (end.done && end.value !== null) return { detail: 'output comes as it is written' }
  } catch (error) {
    if (error instanceof Failure && error.kind === 'not_allowed') {
      return { result: 'skipped', detail: 'output needs the admin credential' }
    }
    throw error
  }
  throw new Failure(
    'unreachable',
    'the stream of output brought nothing; --follow asks page by page instead.',
    'Let the proxy or ingress pass text/event-stream without holding it back.',
  )
}
