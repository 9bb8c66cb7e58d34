/**
 * Handler of /bulk: the same change for many deployments. Each is decided by itself, and its line is sent as soon as it is. Repeated
 * with its Idempotency-Key, the request goes on where it was interrupted.
 */
import { hash } from 'node:crypto'
import { isLateRequest } from '../../db/errors.ts'
import type { IdempotencyKey } from '../../db/queries/idempotency.ts'
import type { BulkLine, BulkRequest } from '../../domain/changes/bulk-schemas.ts'
import { ApiError } from '../../domain/errors.ts'
import { delay } from '../../lib/delay.ts'
import type { EndpointHandler, EndpointRequest } from '../http/endpoint-handler.ts'
import { errorResponse } from '../http/error-handler.ts'
import { createLineStream } from '../http/event-stream.ts'
import { ClientDisconnected, createRequestDeadline } from '../http/request-deadline.ts'
import type { Services } from '../services.ts'
import { changeOne } from './change-one.ts'

type Request = EndpointRequest<'changeMany'>

/** How many of a request are decided at a time: few, so that requests of single deployments hardly wait. */
const concurrency = 4
/** The same where config_check runs, of which a runner runs CONFIG_CHECK_CONCURRENCY at a time. */
const checkConcurrency = 2

const runsConfigCheck: ReadonlySet<BulkRequest['operation']> = new Set(['restore', 'retry', 'set', 'unset'])

export const changeMany: EndpointHandler<'changeMany'> = async (services, request) => {
  const { access, shutdownSignal } = services
  const { body, caller, actor } = request
  if (shutdownSignal.aborted)
    throw new ApiError('shutting_down', 'This server is shutting down; send it again.')
  const stopHolding = access.limits.holdBulk(caller)
  // What is read later from the request of Node may be gone with its connection.
  const kept: Request = { ...request, actor, signal: request.signal }
  const stop = AbortSignal.any([kept.signal, shutdownSignal])
  let isHeld = true
  const release = () => {
    if (isHeld) stopHolding()
    isHeld = false
  }
  // The writer of an answer to a client that has gone is never called.
  if (stop.aborted) release()
  return createLineStream(stop, async (send, ended) => {
    try {
      const names = [...body.names]
      const decideNext = async () => {
        for (let name = names.shift(); name !== undefined && !ended.aborted; name = names.shift()) {
          await waitForTurn(services, kept, ended)
          const line = await decideName(services, kept, name, ended)
          if (line === null) return
          await send(JSON.stringify(line))
        }
      }
      const isSlow = runsConfigCheck.has(body.operation) && body.dry_run !== true
      await Promise.all(Array.from({ length: isSlow ? checkConcurrency : concurrency }, decideNext))
    } finally {
      release()
    }
  })
}

/** A name costs an anonymous caller as much as a request: it waits instead of being refused. */
async function waitForTurn({ access }: Services, { caller }: Request, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    try {
      return await access.limits.countRequest(caller, 0)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      await delay((error.retryAfterSeconds ?? 1) * 1000, ended)
    }
  }
}

/** Null: the client has gone before anything was begun. */
async function decideName(
  services: Services,
  request: Request,
  name: string,
  ended: AbortSignal,
): Promise<BulkLine | null> {
  if (ended.aborted) return null
  for (let attempt = 1; ; attempt += 1) {
    // A new one for each attempt: after a refusal no request with the key acts that arrived before it.
    const deadline = createRequestDeadline({
      changesState: true,
      timeoutMs: nameTimeoutMs,
      isClientDisconnected: async () => ended.aborted,
    })
    try {
      // The session may have ended and the policy may have changed since the last name.
      const identity = await request.identifyAgain()
      const item = { ...request, identity, deadline, idempotencyKey: keyOf(request, name), signal: ended }
      return await deadline.run(() => changeOne(services, item, name))
    } catch (error) {
      if (error instanceof ClientDisconnected) return null
      if (attempt < maxAttempts && mayRepeat(error)) continue
      return { name, outcome: 'refused', error: await describeError(services, request, name, error) }
    }
  }
}

/** How often a name is decided at most. */
const maxAttempts = 4

/**
 * The config has changed meanwhile, or the database has refused to act for this attempt. The second also happens to an attempt
 * right after a refusal: its arrival is known on the clock of the database only to within the time that an answer takes.
 */
const mayRepeat = (error: unknown): boolean =>
  isLateRequest(error) || (error instanceof ApiError && error.code === 'precondition_failed')

/** As that of a single request (endpoint-handler.ts), without the time of scripts. */
const nameTimeoutMs = 3900

/** The same for each request with the key that asks the same of the name, whichever other names it has. */
function keyOf({ idempotencyKey, body }: Request, name: string): IdempotencyKey | undefined {
  if (idempotencyKey === undefined) return undefined
  const { operation, labels, override, when_busy } = body
  const asked = ['bulk', operation, labels, override, ...(when_busy === undefined ? [] : [when_busy])]
  const fingerprint = hash('sha256', JSON.stringify(asked), 'base64url')
  // A client cannot send a key with a space.
  return { key: `${idempotencyKey.key} bulk ${name}`, fingerprint }
}

async function describeError(
  { audit, log }: Services,
  { actor, identity, caller }: Request,
  name: string,
  error: unknown,
): Promise<NonNullable<BulkLine['error']>> {
  if (error instanceof ApiError) {
    const isRefusal = error.code === 'forbidden' || error.refused !== undefined
    if (isRefusal && identity.proof !== 'anonymous') {
      const refused = error.refused ?? { operation: 'read' as const, deployment: name }
      try {
        await audit.recordRefusal(actor, identity.key ?? caller.address, refused, error.message)
      } catch (problem) {
        if (problem instanceof ApiError) return { code: problem.code, message: problem.message }
        throw problem
      }
    }
    return { code: error.code, message: error.message }
  }
  // Also logs it.
  const answer = (await errorResponse(error, log, actor.requestId ?? '').json()) as Record<string, unknown>
  return { code: String(answer.code), message: String(answer.error_message) }
}
