/** The schedule that finds waiting actions and ends those of lost runners. */
import assert from 'node:assert/strict'
import { afterEach, suite, test } from 'node:test'
import type { PeriodicTask } from '../../../lib/periodic.ts'
import type { ActionWorker } from '../../../runner/actions/action-worker.ts'
import { startRecovery } from '../../../runner/schedules/recovery.ts'
import {
  actionRow,
  claimNow,
  enqueue,
  expireLease,
  insertDeployment,
  startAction,
  useTestDatabase,
} from '../../db/fixtures.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { useTestRunner } from '../runner-context.ts'

const db = useTestDatabase()
const all = useTestRunner(db)

let recovery: PeriodicTask | undefined
afterEach(() => recovery?.stop())

/** Records in which order the schedule does its work. `executeWaiting` ends a round. */
async function runOneRound(settings: Partial<typeof all.context.settings> = {}): Promise<string[]> {
  const steps: string[] = []
  const roundEnded = Promise.withResolvers<void>()
  const actions = {
    execute: (actionId: number) => void steps.push(`execute ${actionId}`),
    executeWaiting: async () => {
      steps.push('execute waiting')
      roundEnded.resolve()
    },
  } as Partial<ActionWorker> as ActionWorker
  const context = all.contextWith({ settings: { ...all.context.settings, ...settings } })
  recovery = startRecovery(context, actions, async () => void steps.push('end orphans'))
  await roundEnded.promise
  await recovery.stop()
  return steps
}

suite('A round of the recovery', { concurrency: false }, () => {
  test('only looks for waiting actions while no lease has expired', async () => {
    const { actionId } = await startAction(db, 'update', await insertDeployment(db))
    assert.deepEqual(await runOneRound(), ['execute waiting'])
    assert.equal((await actionRow(db, actionId)).state, 'running')
  })

  test('ends the scripts of a lost runner before its action, and then looks for waiting actions', async () => {
    const { actionId } = await startAction(db, 'update', await insertDeployment(db))
    await expireLease(db, actionId)
    assert.deepEqual(await runOneRound({ INTERRUPTED_ACTIONS: 'fail' }), ['end orphans', 'execute waiting'])
    assert.equal((await actionRow(db, actionId)).state, 'interrupted')
  })

  test('executes the next attempt of an interrupted action with INTERRUPTED_ACTIONS=retry', async () => {
    const { actionId } = await startAction(db, 'update', await insertDeployment(db))
    await expireLease(db, actionId)
    const steps = await runOneRound({ INTERRUPTED_ACTIONS: 'retry' })
    const [, retryId] = /^execute (\d+)$/.exec(steps[1] ?? '') ?? []
    assert.deepEqual(steps, ['end orphans', `execute ${retryId}`, 'execute waiting'])
    const retry = await actionRow(db, Number(retryId))
    assert.deepEqual([retry.state, retry.attempt, retry.kind], ['queued', 2, 'update'])
  })

  test('leaves an action that was claimed and never started to the next claim', async () => {
    const { actionId } = await enqueue(db, 'update', await insertDeployment(db))
    await claimNow(db, actionId)
    await expireLease(db, actionId)
    await runOneRound({ INTERRUPTED_ACTIONS: 'fail' })
    assert.equal((await actionRow(db, actionId)).state, 'queued')
  })
})

test('A round that fails is followed by another one', async () => {
  let rounds = 0
  const actions = {
    executeWaiting: async () => {
      rounds += 1
      if (rounds === 1) throw new Error('the database is unreachable')
    },
  } as Partial<ActionWorker> as ActionWorker
  recovery = startRecovery(all.context, actions, async () => {})
  await waitFor('a round failed', async () => ({ done: rounds === 1, value: null }))
  recovery.runNow()
  await waitFor('another round follows', async () => ({ done: rounds >= 2, value: null }))
})
