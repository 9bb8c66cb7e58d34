import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { BackendTerminatedError } from 'slonik'
import { NoAnswerInTime, NoConnection } from '../../db/errors.ts'
import { Refusal } from '../../domain/errors.ts'
import { openPatience, StoreTrouble } from '../../functions/patience.ts'

const never = () => new Promise<never>(() => {})
const broken = new BackendTerminatedError(new NoAnswerInTime('x'))
const failure = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => assert.fail('it did not fail'),
    (error) => error,
  )

test('work that takes too long is refused; only who wanted something done is told that it may have been', async () => {
  const asked = await failure(openPatience(false, 20, 0).within(never))
  assert.ok(asked instanceof Refusal && asked.code === 'stores_away')
  assert.match(asked.message, /nothing is lost/)
  const changed = await failure(openPatience(true, 20, 0).within(never))
  assert.match(changed.message, /accepted is not known.*same Idempotency-Key/)
})

test('who was told that nothing was begun finds nothing begun later', async () => {
  const patience = openPatience(true, 20, 0)
  const begun: string[] = []
  const gate = Promise.withResolvers<void>()
  const work = async () => {
    await patience.beforehand(() => gate.promise)
    begun.push('begun')
  }
  let ended: Promise<void> = Promise.resolve()
  const refusal = await failure(
    patience.within(() => {
      ended = work()
      return ended
    }),
  )
  assert.match(refusal.message, /has begun nothing/)
  gate.resolve()
  assert.equal(await failure(ended), refusal)
  const asking = patience.asking(async () => {
    begun.push('asked')
  })
  assert.equal(await failure(asking), refusal, 'nor is a script asked any more')
  assert.deepEqual(begun, [])
})

test('waits for scripts do not count, all other waits do, together', async () => {
  const patient = openPatience(true, 200, 5000)
  await patient.within(() => patient.asking(() => sleep(400)))
  const impatient = openPatience(true, 200, 5000)
  const refusal = await failure(
    impatient.within(async () => {
      await sleep(150)
      await impatient.asking(() => sleep(10))
      await never()
    }),
  )
  assert.ok(refusal instanceof Refusal)
})

test('a wait for scripts that does not end by itself is ended too', async () => {
  const patience = openPatience(true, 20, 20)
  assert.ok((await failure(patience.within(() => patience.asking(never)))) instanceof Refusal)
})

test('a database that fails tells what has come of the request: nothing while it looked or was not reached, else who knows', async () => {
  const outcomeOf = async (acts: boolean, error: Error, looking = false) => {
    const patience = openPatience(acts, 1000, 0)
    const fails = () => Promise.reject(error)
    const trouble = await failure(patience.within(() => (looking ? patience.beforehand(fails) : fails())))
    assert.ok(trouble instanceof StoreTrouble)
    assert.equal(trouble.cause, error)
    return trouble.outcome
  }
  assert.equal(await outcomeOf(true, broken), 'unknown')
  assert.equal(await outcomeOf(true, broken, true), 'nothing')
  assert.equal(await outcomeOf(true, new NoConnection('x')), 'nothing')
  assert.equal(await outcomeOf(false, broken), 'asked')
})

test('what is no trouble of the database passes as it is', async () => {
  const refusal = new Refusal('busy', 'x')
  assert.equal(await failure(openPatience(true, 1000, 0).within(() => Promise.reject(refusal))), refusal)
})
