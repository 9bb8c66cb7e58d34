import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { BackendTerminatedError } from 'slonik'
import { PoolTimeout, QueryTimeout } from '../../../db/errors.ts'
import { ApiError } from '../../../domain/errors.ts'
import { createRequestDeadline, RequestDatabaseError } from '../../../functions/http/request-deadline.ts'

const never = () => new Promise<never>(() => {})
const broken = new BackendTerminatedError(new QueryTimeout('x'))
const failure = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => assert.fail('it did not fail'),
    (error) => error,
  )

test('work that takes too long is refused; only who wanted something done is told that it may have been', async () => {
  const asked = await failure(createRequestDeadline(false, 20, 0).run(never))
  assert.ok(asked instanceof ApiError && asked.code === 'stores_away')
  assert.match(asked.message, /nothing is lost/)
  const changed = await failure(createRequestDeadline(true, 20, 0).run(never))
  assert.match(changed.message, /accepted is not known.*same Idempotency-Key/)
})

test('who was told that nothing was begun finds nothing begun later', async () => {
  const patience = createRequestDeadline(true, 20, 0)
  const begun: string[] = []
  const gate = Promise.withResolvers<void>()
  const work = async () => {
    await patience.beforeCommit(() => gate.promise)
    begun.push('begun')
  }
  let ended: Promise<void> = Promise.resolve()
  const refusal = await failure(
    patience.run(() => {
      ended = work()
      return ended
    }),
  )
  assert.match(refusal.message, /has begun nothing/)
  gate.resolve()
  assert.equal(await failure(ended), refusal)
  const asking = patience.duringScriptCall(async () => {
    begun.push('asked')
  })
  assert.equal(await failure(asking), refusal, 'nor is a script asked any more')
  assert.deepEqual(begun, [])
})

test('waits for scripts do not count, all other waits do, together', async () => {
  const patient = createRequestDeadline(true, 200, 5000)
  await patient.run(() => patient.duringScriptCall(() => sleep(400)))
  const impatient = createRequestDeadline(true, 200, 5000)
  const refusal = await failure(
    impatient.run(async () => {
      await sleep(150)
      await impatient.duringScriptCall(() => sleep(10))
      await never()
    }),
  )
  assert.ok(refusal instanceof ApiError)
})

test('a wait for scripts that does not end by itself is ended too', async () => {
  const patience = createRequestDeadline(true, 20, 20)
  assert.ok((await failure(patience.run(() => patience.duringScriptCall(never)))) instanceof ApiError)
})

test('a database that fails tells what has come of the request: nothing while it looked or was not reached, else who knows', async () => {
  const outcomeOf = async (acts: boolean, error: Error, looking = false) => {
    const patience = createRequestDeadline(acts, 1000, 0)
    const fails = () => Promise.reject(error)
    const trouble = await failure(patience.run(() => (looking ? patience.beforeCommit(fails) : fails())))
    assert.ok(trouble instanceof RequestDatabaseError)
    assert.equal(trouble.cause, error)
    return trouble.outcome
  }
  assert.equal(await outcomeOf(true, broken), 'unknown')
  assert.equal(await outcomeOf(true, broken, true), 'nothing')
  assert.equal(await outcomeOf(true, new PoolTimeout('x')), 'nothing')
  assert.equal(await outcomeOf(false, broken), 'asked')
})

test('what is no trouble of the database passes as it is', async () => {
  const refusal = new ApiError('busy', 'x')
  assert.equal(
    await failure(createRequestDeadline(true, 1000, 0).run(() => Promise.reject(refusal))),
    refusal,
  )
})
