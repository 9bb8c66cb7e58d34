/** Handler of /deployments/:name/app_logs: the lines that the running app prints, as a runner reads them. */
import { hash } from 'node:crypto'
import { readAppLogTarget } from '../../db/queries/app-logs/target.ts'
import {
  type AppLogTarget,
  type FoundRun,
  type RunRefusal,
  requestRun,
} from '../../db/redis/app-logs/requests.ts'
import { ApiError } from '../../domain/errors.ts'
import { groupAddress } from '../access/limits.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { createEventStream } from '../http/event-stream.ts'
import type { Services } from '../services.ts'
import { followRun, type ReaderPosition } from './follow-run.ts'

/** Shorter than the deadline of a request. */
const requestTimeoutMs = 2500
/** For a script that ends by itself, where the answer is sent only as a whole. */
const maxWholeAnswerMs = 20_000

export const streamAppLogs: EndpointHandler<'streamAppLogs'> = async (services, request) => {
  const { auth, access, audit, db, supportsStreaming, shutdownSignal } = services
  const { identity, caller, query } = request
  const name = request.param('name')
  const { id, configRevision } = await readAppLogTarget(db, name)
  const follow = query.follow === 'true' && supportsStreaming
  const target: AppLogTarget = {
    caller: hash('sha256', caller.key ?? groupAddress(caller.address), 'base64url'),
    deploymentId: id,
    configRevision,
    tail: query.tail,
    follow,
  }
  await audit.recordAppLogRead(request.actor, name)

  // Counts the reader first. The stream ends when the reader loses the right to read.
  const release = access.limits.holdAppLogStream(caller)
  const lost = new AbortController()
  const stopFollowing = auth.connections.follow(identity, () => lost.abort(), { endsWithToken: true })
  let isOpen = true
  const end = () => {
    if (!isOpen) return
    isOpen = false
    release()
    stopFollowing()
  }
  const disconnected = AbortSignal.any([
    request.signal,
    shutdownSignal,
    lost.signal,
    ...(supportsStreaming ? [] : [AbortSignal.timeout(maxWholeAnswerMs)]),
  ])

  disconnected.addEventListener('abort', end, { once: true })
  // An aborted signal calls nobody.
  if (disconnected.aborted) end()

  // Then: the run. Without one the answer is an error instead of an empty stream.
  let run: FoundRun
  try {
    run = await findRun(services, target, disconnected)
  } catch (error) {
    end()
    throw error
  }

  // Finally: its lines.
  const position = parsePosition(request.header('last-event-id'))
  return createEventStream(disconnected, (send, ended) =>
    followRun(services, target, run, position, send, ended).finally(end),
  )
}

async function findRun(
  { redis, settings, log }: Services,
  target: AppLogTarget,
  signal: AbortSignal,
): Promise<FoundRun> {
  let found: FoundRun | RunRefusal
  try {
    found = await requestRun(redis, settings.REDIS_PREFIX, target, requestTimeoutMs, signal)
  } catch (error) {
    log.warn({ err: error }, 'app logs not requested: Redis is unreachable')
    throw new ApiError('service_unavailable', 'Redis is not reachable: the app_logs script cannot be run.')
  }
  if (typeof found === 'object') return found
  throw refusalError(found)
}

function refusalError(refusal: RunRefusal): ApiError {
  switch (refusal) {
    case 'busy':
      return new ApiError(
        'app_logs_busy',
        'All runners read the logs of as many apps as they may (APP_LOGS_CONCURRENCY), as many of one caller, or this app twice with other lines.',
        { retryAfterSeconds: 10 },
      )
    case 'no_script':
      return new ApiError(
        'no_app_logs',
        'This installation has no app_logs script: add an executable app_logs to the folder of the control scripts, or set APP_LOGS_COMMAND.',
      )
    case 'silent':
    case 'no_runner':
      return new ApiError(
        'script_query_timeout',
        `No runner answered within ${requestTimeoutMs / 1000} s: no runner is up, or those of an earlier version.`,
      )
  }
}

/** Null for an id that is not one of ours. */
function parsePosition(lastEventId: string | undefined): ReaderPosition | null {
  const [, runId = '', line = ''] = /^([\w-]{1,64})\.(\d{1,15})$/.exec(lastEventId ?? '') ?? []
  return runId === '' ? null : { runId, line: Number(line) }
}
