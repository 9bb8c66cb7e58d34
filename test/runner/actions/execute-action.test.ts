/** One action from its claim to its result, with everything that may come between. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { claim } from '../../../db/queries/action-lifecycle.ts'
import { getAction } from '../../../db/queries/actions.ts'
import { requestCancel } from '../../../db/queries/cancel-action.ts'
import { endExpiredAction } from '../../../db/queries/recovery.ts'
import { valueAdded } from '../../../domain/overrides.ts'
import { executeAction } from '../../../runner/actions/execute-action.ts'
import type { ActionLease } from '../../../runner/actions/lease.ts'
import type { RunnerContext } from '../../../runner/context.ts'
import { createConfigCache } from '../../../runner/scripts/config-cache.ts'
import {
  actionRow,
  anyRight,
  claimNow,
  enqueue,
  expireLease,
  getFullInfo,
  getWholeOutput,
  insertDeployment,
  newName,
  statusOf,
  testActor,
  useTestDatabase,
} from '../../db/fixtures.ts'
import { redisPrefix } from '../../helpers/datastores.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { useTestRunner } from '../runner-context.ts'

const db = useTestDatabase(10)
const all = useTestRunner(db)

/** `behavior`: what each script does for this deployment. */
const behaving = (behavior: Record<string, string>) => ({
  overrides: {
    application: Object.entries(behavior).map(([script, text]) => valueAdded(`behave.${script}`, text)),
    deployment: [],
  },
})

const environmentOf = (context: RunnerContext) => ({
  context,
  running: new Map<number, ActionLease>(),
  endCheckOf: async () => {},
  executeQueued: () => {},
})

/** Enqueues and claims a create, and begins to execute it. */
async function beginCreate(
  behavior: Record<string, string> = {},
  context = all.context,
  configChecked = true,
) {
  const name = newName()
  const { actionId } = await enqueue(db, 'create', name, { ...behaving(behavior), configChecked })
  const claimedAtMs = performance.now()
  const claimed = await claimNow(db, actionId, context.settings.LEASE)
  const environment = environmentOf(context)
  const executed = executeAction(environment, claimed, claimedAtMs)
  const result = async () => {
    await executed
    assert.equal(environment.running.size, 0, 'the action is not under way any more')
    return getAction(db.pool, actionId)
  }
  return { name, actionId, claimed, environment, result }
}

const waitForCall = (name: string, script: string) =>
  waitFor(`${script} of ${name} is called`, async () => {
    const calls = await all.calls(name)
    return { done: calls.includes(script), value: null, seen: calls }
  })

suite('An action', { concurrency: false }, () => {
  test('that succeeds has the result and the output of its script, and the links', async () => {
    const { name, actionId, result } = await beginCreate({ create: 'print built' })
    assert.deepEqual((({ state, exit_code, error }) => ({ state, exit_code, error }))(await result()), {
      state: 'succeeded',
      exit_code: 0,
      error: null,
    })
    assert.equal((await getWholeOutput(db.pool, actionId)).stdout, `built\ncreate of ${name} done\n`)
    assert.match(await getFullInfo(db.pool, name), new RegExp(`https://${name}.example.com`))
    assert.deepEqual(
      (await all.calls(name)).filter((script) => !script.includes('config')),
      ['info', 'create'],
    )
  })

  test('whose script fails says how, with its last lines', async () => {
    const { actionId, result } = await beginCreate({ create: 'fail-with 7 no space left' })
    const { state, exit_code } = await result()
    assert.deepEqual([state, exit_code], ['failed', 7])
    const { failure } = await actionRow(db, actionId)
    assert.equal(failure.script, 'create')
    assert.match(JSON.stringify(failure.output), /no space left/)
  })

  test('whose config cannot be read fails, and its script does not run', async () => {
    await all.setBehavior('deployment_config', 'fail cannot read the cluster')
    const context = all.contextWith({
      configCache: createConfigCache(1),
      settings: { ...all.context.settings, REDIS_PREFIX: redisPrefix() },
    })
    const { name, actionId, result } = await beginCreate({}, context)
    assert.equal((await result()).state, 'failed')
    const { failure } = await actionRow(db, actionId)
    assert.equal(failure.script, 'deployment_config')
    assert.ok(!(await all.calls(name)).includes('create'))
    await all.setBehavior('deployment_config', 'print region,eu')
  })

  test('whose config was not checked yet is checked first, and a rejected one does not start', async () => {
    const { name, actionId, result } = await beginCreate(
      { config_check: 'reject no such tag' },
      all.context,
      false,
    )
    assert.equal((await result()).state, 'failed')
    const { failure } = await actionRow(db, actionId)
    assert.deepEqual([failure.what, failure.script], ['config_check', 'config_check'])
    assert.match(JSON.stringify(failure.output), /no such tag/)
    assert.ok(!(await all.calls(name)).includes('create'))
  })

  test('whose info script fails goes on, and its output says so', async () => {
    const { actionId, result } = await beginCreate({ info: 'fail no ingress' })
    assert.equal((await result()).state, 'succeeded')
    assert.match((await getWholeOutput(db.pool, actionId)).stderr, /^octopod: .*info/)
  })

  test('that is cancelled while its config is read never starts', async () => {
    const { name, actionId, environment, result } = await beginCreate({ info: 'pause 30' })
    await waitForCall(name, 'info')
    await requestCancel(db.pool, actionId, testActor, anyRight)
    environment.running.get(actionId)?.cancel()
    const { state, error, started_at } = await result()
    assert.deepEqual([state, error, started_at], ['cancelled', 'Cancelled before it started.', null])
    assert.ok(!(await all.calls(name)).includes('create'))
  })

  test('that is cancelled while its script runs ends it', async () => {
    const { name, actionId, environment, result } = await beginCreate({ create: 'hang' })
    await waitForCall(name, 'create')
    await requestCancel(db.pool, actionId, testActor, anyRight)
    environment.running.get(actionId)?.cancel()
    assert.equal((await result()).state, 'cancelled')
  })

  test('that another runner has taken meanwhile is left to it, and starts no script', async () => {
    const { name, actionId, result } = await beginCreate({ info: 'pause 1' })
    await waitForCall(name, 'info')
    await expireLease(db, actionId)
    assert.ok(await claim(db.pool, actionId, 'other runner', 30_000))
    const { state } = await result()
    assert.equal(state, 'queued')
    assert.equal((await actionRow(db, actionId)).runner, 'other runner')
    assert.ok(!(await all.calls(name)).includes('create'))
  })
})

suite('A runner that shuts down', { concurrency: false }, () => {
  test('leaves an action that has not started to another runner', async () => {
    const shutdown = new AbortController()
    const context = all.contextWith({ shutdownSignal: shutdown.signal })
    const { name, actionId, result } = await beginCreate({ info: 'pause 30' }, context)
    await waitForCall(name, 'info')
    shutdown.abort('interrupted')
    assert.equal((await result()).state, 'queued')
    assert.ok(await claim(db.pool, actionId, 'other runner', 30_000), 'another runner can claim it at once')
  })

  test('ends the script, and the action says that it was interrupted', async () => {
    const shutdown = new AbortController()
    const context = all.contextWith({ shutdownSignal: shutdown.signal })
    const { name, actionId, result } = await beginCreate({ create: 'hang' }, context)
    await waitForCall(name, 'create')
    shutdown.abort('interrupted')
    assert.equal((await result()).state, 'interrupted')
    const { failure } = await actionRow(db, actionId)
    assert.equal(failure.what, 'runner_lost')
  })

  test('with INTERRUPTED_ACTIONS=retry leaves the next attempt to the recovery', async () => {
    const shutdown = new AbortController()
    const settings = { ...all.context.settings, INTERRUPTED_ACTIONS: 'retry' as const }
    const context = all.contextWith({ shutdownSignal: shutdown.signal, settings })
    const { name, actionId, result } = await beginCreate({ create: 'hang' }, context)
    await waitForCall(name, 'create')
    shutdown.abort('interrupted')
    assert.equal((await result()).state, 'running')
    const expired = await endExpiredAction(db.pool, true)
    assert.equal(expired?.actionId, actionId)
    assert.notEqual(expired?.retryActionId, null)
    assert.equal(await statusOf(db, name), 'CreatePending')
  })
})

suite('A lease', { concurrency: false }, () => {
  test('that was lost while the script runs ends the script, and its result is discarded', async () => {
    const settings = { ...all.context.settings, LEASE: 3000 }
    const { name, actionId, result } = await beginCreate({ create: 'hang' }, all.contextWith({ settings }))
    await waitForCall(name, 'create')
    await expireLease(db, actionId)
    const expired = await endExpiredAction(db.pool, false)
    assert.equal(expired?.actionId, actionId)
    assert.equal((await result()).state, 'interrupted')
  })

  test('is renewed while the script runs', async () => {
    const settings = { ...all.context.settings, LEASE: 3000 }
    const { name, actionId, environment, result } = await beginCreate(
      { create: 'hang' },
      all.contextWith({ settings }),
    )
    await waitForCall(name, 'create')
    const before = (await actionRow(db, actionId)).lease_expires_at as Date
    await waitFor('the lease is renewed', async () => {
      const { lease_expires_at } = await actionRow(db, actionId)
      return { done: lease_expires_at > before, value: null, seen: lease_expires_at }
    })
    environment.running.get(actionId)?.cancel()
    await result()
  })
})

test('An update of a deployment that is being checked waits for the end of the check', async () => {
  const name = await insertDeployment(db)
  const { actionId } = await enqueue(db, 'update', name)
  const claimed = { ...(await claimNow(db, actionId)), isBeingChecked: true }
  const ended = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<number>()
  const environment = {
    ...environmentOf(all.context),
    endCheckOf: (deploymentId: number) => {
      asked.resolve(deploymentId)
      return ended.promise
    },
  }
  const executed = executeAction(environment, claimed, performance.now())
  assert.equal(await asked.promise, claimed.deploymentId)
  await waitForCall(name, 'info')
  assert.ok(!(await all.calls(name)).includes('update'))
  ended.resolve()
  await executed
  assert.equal((await getAction(db.pool, actionId)).state, 'succeeded')
})
