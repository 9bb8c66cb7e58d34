/** AWS Lambda freezes a process after its answer: an event that is not published by then may never be published. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Database, openPool } from '../../../db/pool.ts'
import { enqueueAction } from '../../../db/queries/enqueue-action.ts'
import type { EndpointName } from '../../../domain/api-schema.ts'
import { cancelAction } from '../../../functions/actions/actions.ts'
import { deleteDeployment } from '../../../functions/deployments/lifecycle.ts'
import type { EndpointRequest } from '../../../functions/http/endpoint-handler.ts'
import { createRequestDeadline } from '../../../functions/http/request-deadline.ts'
import type { Services } from '../../../functions/services.ts'
import { createDatabase } from '../../helpers/datastores.ts'
import { rawRequest, serverSettings, testAuth } from '../access/fixtures.ts'

const actor = {
  actor: 'ann',
  person: null,
  proof: 'shared',
  claimedActor: null,
  address: null,
  requestId: null,
  source: 'api',
  reason: null,
} as const
const auth = testAuth(serverSettings({ POWER_AUTHORIZATION_HEADER: 'Bearer admin' }))
let database: Awaited<ReturnType<typeof createDatabase>>
let db: Database
before(async () => {
  database = await createDatabase()
  db = await openPool(database.url, { size: 2 })
})
after(async () => {
  await db?.end()
  await database?.drop()
})

/**
 * Calls a handler with a Redis that takes an event and confirms it late. Returns whether the handler answered before
 * that.
 */
async function answersBeforeRedis(
  supportsStreaming: boolean,
  handler: (services: Services, request: never) => Promise<unknown>,
  param: string,
): Promise<boolean> {
  const published = Promise.withResolvers<void>()
  const confirmed = Promise.withResolvers<number>()
  const redis = {
    publish: () => {
      published.resolve()
      return confirmed.promise
    },
  }
  const settings = { REDIS_PREFIX: 'x' }
  const services = { db, redis, settings, supportsStreaming } as unknown as Services
  const request: Pick<
    EndpointRequest<EndpointName>,
    'param' | 'header' | 'actor' | 'identity' | 'idempotencyKey' | 'deadline'
  > = {
    param: () => param,
    header: () => undefined,
    actor,
    identity: await auth.identifier.identify(rawRequest({ authorization: 'Bearer admin' })),
    idempotencyKey: undefined,
    deadline: createRequestDeadline({ changesState: true, timeoutMs: 60_000 }),
  }
  let answered = false
  const answer = handler(services, request as never).then(() => {
    answered = true
  })
  await published.promise
  await nextTurn()
  const answeredEarly = answered
  confirmed.resolve(1)
  await answer
  return answeredEarly
}

async function enqueueCreate(name: string): Promise<string> {
  const { actionId } = await enqueueAction(db, {
    ...actor,
    kind: 'create',
    name,
    configChecked: true,
    scope: 'all',
  })
  return String(actionId)
}

test('A server answers a cancel or a delete before Redis has confirmed the event; a Lambda waits for Redis', async () => {
  for (const supportsStreaming of [true, false]) {
    const name = supportsStreaming ? 'server' : 'lambda'
    const actionId = await enqueueCreate(name)
    assert.equal(
      await answersBeforeRedis(supportsStreaming, cancelAction, actionId),
      supportsStreaming,
      'cancel',
    )
    assert.equal(
      await answersBeforeRedis(supportsStreaming, deleteDeployment, name),
      supportsStreaming,
      'delete',
    )
  }
})
