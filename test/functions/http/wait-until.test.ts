/** On AWS Lambda a process is frozen after its answer: what is not said by then may never be said. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type Database, openPool } from '../../../db/pool.ts'
import { enqueueAction } from '../../../db/queries/enqueue-action.ts'
import type { EndpointName } from '../../../domain/api-schema.ts'
import { cancelAction } from '../../../functions/actions/cancel.ts'
import { deleteDeployment } from '../../../functions/deployments/delete.ts'
import type { EndpointRequest } from '../../../functions/http/endpoint-handler.ts'
import type { Services } from '../../../functions/services.ts'
import { createDatabase } from '../../helpers/datastores.ts'

const asker = { actor: 'ann', source: 'api', reason: null }
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

/** Calls a function with a Redis that takes a hint and is slow to say so; tells whether the answer came before Redis'. */
async function answersBeforeRedis(
  mayWait: boolean,
  answerer: (services: Services, asked: never) => Promise<unknown>,
  param: string,
): Promise<boolean> {
  const taken = Promise.withResolvers<void>()
  const said = Promise.withResolvers<number>()
  const redis = {
    publish: () => {
      taken.resolve()
      return said.promise
    },
  }
  const services = { db, redis, settings: { REDIS_PREFIX: 'x' }, mayWait } as unknown as Services
  const asked: Pick<EndpointRequest<EndpointName>, 'param' | 'actor' | 'idempotencyKey'> = {
    param: () => param,
    actor: asker,
    idempotencyKey: undefined,
  }
  let answered = false
  const answer = answerer(services, asked as never).then(() => {
    answered = true
  })
  await taken.promise
  await turn()
  const early = answered
  said.resolve(1)
  await answer
  return early
}

async function queued(name: string): Promise<string> {
  const { actionId } = await enqueueAction(db, { ...asker, kind: 'create', name, configChecked: true })
  return String(actionId)
}

test('a process answers without waiting for the hints of a cancel or a delete, a Lambda waits for them', async () => {
  for (const mayWait of [true, false]) {
    const name = mayWait ? 'process' : 'lambda'
    const actionId = await queued(name)
    assert.equal(await answersBeforeRedis(mayWait, cancelAction, actionId), mayWait, 'cancel')
    assert.equal(await answersBeforeRedis(mayWait, deleteDeployment, name), mayWait, 'delete')
  }
})
