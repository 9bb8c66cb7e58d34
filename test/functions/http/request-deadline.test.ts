import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { BackendTerminatedError } from 'slonik'
import { PoolTimeout, QueryTimeout } from '../../../db/errors.ts'
import { ApiError } from '../../../domain/errors.ts'
import {
  ClientDisconnected,
  createRequestDeadline,
  RequestDatabaseError,
} from '../../../functions/http/request-deadline.ts'

const never = () => new Promise<never>(() => {})
const connectionLost = new BackendTerminatedError(new QueryTimeout('x'))
const errorOf = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => assert.fail('it did not fail'),
    (error) => error,
  )
const deadlineOf = (timeoutMs: number, changesState = true) =>
  createRequestDeadline({ changesState, timeoutMs })

test('Work that takes too long is rejected, and only a change "may have been accepted"', async () => {
  const read = await errorOf(deadlineOf(20, false).run(never))
  assert.ok(read instanceof ApiError && read.code === 'service_unavailable')
  assert.match(read.message, /nothing is lost/)
  const change = await errorOf(deadlineOf(20).run(never))
  assert.match(change.message, /accepted is not known.*same Idempotency-Key/)
})

test('A request answered with "nothing was started" starts nothing later', async () => {
  const deadline = deadlineOf(20)
  const steps: string[] = []
  const gate = Promise.withResolvers<void>()
  const handler = async () => {
    deadline.beginChecks()
    deadline.setDatabaseTime(0)
    await gate.promise
    await deadline.beforeCommit()
    steps.push('started')
  }
  let handled: Promise<void> = Promise.resolve()
  const timeout = await errorOf(
    deadline.run(() => {
      handled = handler()
      return handled
    }),
  )
  assert.match(timeout.message, /has started nothing/)
  gate.resolve()
  assert.equal(await errorOf(handled), timeout)
  assert.throws(() => deadline.pause(1000), timeout, 'no script is queried any more')
  assert.deepEqual(steps, [])
})

test('Nothing is started for a client that has disconnected', async () => {
  const deadline = createRequestDeadline({
    changesState: true,
    timeoutMs: 1000,
    isClientDisconnected: async () => true,
  })
  deadline.setDatabaseTime(0)
  assert.ok((await errorOf(deadline.run(deadline.beforeCommit))) instanceof ClientDisconnected)
})

test('The database learns on its own clock when the request came and when its time is over', async () => {
  const deadline = deadlineOf(1000)
  const databaseTimeMs = 5_000_000
  const startedAtMs = performance.now()
  await deadline.run(async () => {
    await sleep(20)
    const readAfterMs = performance.now() - startedAtMs
    deadline.setDatabaseTime(databaseTimeMs)
    const first = await deadline.beforeCommit()
    assert.ok(first.arrivedAtMs <= databaseTimeMs - 19, 'it came before the database sent its time')
    assert.ok(first.arrivedAtMs >= databaseTimeMs - readAfterMs - 5)
    assert.ok(Math.abs(first.notAfterMs - first.arrivedAtMs - 1000) < 0.001)
    const pausedAtMs = performance.now()
    deadline.pause(5000)
    await sleep(30)
    deadline.resume()
    const pausedMs = performance.now() - pausedAtMs
    const second = await deadline.beforeCommit()
    assert.equal(second.arrivedAtMs, first.arrivedAtMs)
    const shiftMs = second.notAfterMs - first.notAfterMs
    assert.ok(shiftMs >= 29 && shiftMs <= pausedMs, `${shiftMs} ms while a script ran`)
  })
})

test('A request of a process that stood still starts nothing, also before its timer has run', async () => {
  const standStill = (ms: number) => {
    for (const untilMs = performance.now() + ms; performance.now() < untilMs; );
  }
  const deadline = deadlineOf(20)
  const frozen = await errorOf(
    deadline.run(async () => {
      deadline.beginChecks()
      deadline.setDatabaseTime(0)
      standStill(50)
      await deadline.beforeCommit()
    }),
  )
  assert.match(frozen.message, /has started nothing/)
  const slowScript = deadlineOf(20)
  const frozenInScript = await errorOf(
    slowScript.run(async () => {
      slowScript.beginChecks()
      slowScript.setDatabaseTime(0)
      slowScript.pause(20)
      standStill(100)
      slowScript.resume()
      await slowScript.beforeCommit()
    }),
  )
  assert.match(frozenInScript.message, /has started nothing/)
})

test('A request of a machine that was suspended starts nothing', async (t) => {
  const deadline = deadlineOf(1000)
  const error = await errorOf(
    deadline.run(async () => {
      deadline.beginChecks()
      deadline.setDatabaseTime(0)
      // The monotonic clock stood still meanwhile.
      t.mock.method(Date, 'now', () => performance.timeOrigin + performance.now() + 60_000)
      await deadline.beforeCommit()
    }),
  )
  assert.match(error.message, /has started nothing/)
})

test('Script calls do not count towards the deadline, and all other work counts together', async () => {
  const slowScript = deadlineOf(200)
  await slowScript.run(async () => {
    slowScript.pause(5000)
    await sleep(400)
    slowScript.resume()
  })
  const slowWork = deadlineOf(200)
  const timeout = await errorOf(
    slowWork.run(async () => {
      await sleep(150)
      slowWork.pause(5000)
      await sleep(10)
      slowWork.resume()
      await never()
    }),
  )
  assert.ok(timeout instanceof ApiError)
})

test('A script call that never returns is ended by its own limit', async () => {
  const deadline = deadlineOf(20)
  const timeout = await errorOf(
    deadline.run(() => {
      deadline.pause(20)
      return never()
    }),
  )
  assert.ok(timeout instanceof ApiError)
})

test('A database failure before the commit means "not started", a later one "unknown"', async () => {
  const outcomeOf = async (cause: Error, { changesState = true, duringChecks = false } = {}) => {
    const deadline = deadlineOf(1000, changesState)
    const error = await errorOf(
      deadline.run(async () => {
        if (duringChecks) deadline.beginChecks()
        throw cause
      }),
    )
    assert.ok(error instanceof RequestDatabaseError)
    assert.equal(error.cause, cause)
    return error.outcome
  }
  assert.equal(await outcomeOf(connectionLost), 'unknown')
  assert.equal(await outcomeOf(connectionLost, { duringChecks: true }), 'not_started')
  assert.equal(await outcomeOf(new PoolTimeout('x')), 'not_started')
  assert.equal(await outcomeOf(connectionLost, { changesState: false }), 'read')
})

test('A handler that has not written is called again, at most three times, when its database connection was lost', async () => {
  const lost = new BackendTerminatedError(new Error('Connection terminated unexpectedly'))
  const callsOf = async (cause: Error, { changesState = false, step = 'read' } = {}) => {
    const deadline = deadlineOf(1000, changesState)
    let calls = 0
    const handler = async () => {
      calls += 1
      if (step !== 'read') deadline.beginChecks()
      deadline.setDatabaseTime(0)
      if (step === 'write') await deadline.beforeCommit()
      throw cause
    }
    await deadline.run(handler).catch(() => {})
    return calls
  }
  assert.equal(await callsOf(lost), 4)
  assert.equal(await callsOf(lost, { changesState: true, step: 'checks' }), 4)
  assert.equal(await callsOf(lost, { changesState: true, step: 'write' }), 1)
  assert.equal(await callsOf(lost, { changesState: true }), 1)
  assert.equal(await callsOf(connectionLost), 1, 'a time-out')
  assert.equal(await callsOf(new PoolTimeout('x')), 1)
})

test('Other errors pass through unchanged', async () => {
  const error = new ApiError('busy', 'x')
  assert.equal(await errorOf(deadlineOf(1000).run(() => Promise.reject(error))), error)
})
