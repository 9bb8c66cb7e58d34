/** A runner ends the scripts of lost runners, and no other process. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { suite, type TestContext, test } from 'node:test'
import { pino } from 'pino'
import { endExpiredAction } from '../../../db/queries/recovery.ts'
import type { RunnerContext } from '../../../runner/context.ts'
import { endOrphans } from '../../../runner/process/orphans.ts'
import { createProcessTable, readRunnerProcess } from '../../../runner/process/process-table.ts'
import {
  createMarker,
  createMarkerPrefix,
  type RunnerProcess,
} from '../../../runner/process/script-marker.ts'
import {
  claimNow,
  enqueue,
  expireLease,
  newName,
  runAction,
  startAction,
  useTestDatabase,
} from '../../db/fixtures.ts'
import { fixturePath, isProcessAlive, minimalEnvironment, waitFor } from '../script-fixtures.ts'

const db = useTestDatabase()
const own = readRunnerProcess() ?? { pidNamespace: '1', pid: 1, startTicks: '1' }
/** Another runner that is alive: the parent of this process. */
const living: RunnerProcess = await readLivingRunner()
const gone: RunnerProcess = { ...own, startTicks: '1' }
const elsewhere: RunnerProcess = { ...gone, pidNamespace: '1' }

async function readLivingRunner(): Promise<RunnerProcess> {
  const { alive } = await createProcessTable().read()
  const parent = alive.find(({ pid }) => pid === process.ppid)
  assert.ok(parent)
  return { pidNamespace: own.pidNamespace, pid: parent.pid, startTicks: parent.startTicks }
}

type Script = { actionId: number; fencingToken: number; runner: RunnerProcess; installation?: string }

/** Starts a script that ignores TERM, as a runner would start it. Returns its process. */
function startScript(
  t: TestContext,
  { actionId, fencingToken, runner, installation = 'here' }: Script,
): number {
  const child = spawn(fixturePath('exit/ignores-term'), {
    env: {
      ...minimalEnvironment,
      OCTOPOD_PROCESS: createMarker(createMarkerPrefix(installation, runner)),
      OCTOPOD_ACTION_ID: String(actionId),
      OCTOPOD_FENCE: String(fencingToken),
    },
    detached: true,
    stdio: 'ignore',
  })
  t.after(() => child.kill('SIGKILL'))
  return child.pid ?? 0
}

/** Resolves when the runner of this test has ended what it found. */
const search = () =>
  endOrphans({
    db: db.pool,
    processTable: createProcessTable(),
    markerPrefix: createMarkerPrefix('here', own),
    settings: { KILL_GRACE: 200 },
    log: pino({ level: 'silent' }),
  } as unknown as RunnerContext)

async function assertEnds(t: TestContext, script: Script, expected: boolean): Promise<void> {
  const pid = startScript(t, script)
  await waitFor(() => isProcessAlive(pid))
  await search()
  assert.equal(isProcessAlive(pid), !expected)
}

const startRunning = () => startAction(db, 'create', newName())

suite('A search for orphans ends a script', () => {
  test('whose runner has ended, although its lease has not expired', async (t) => {
    await assertEnds(t, { ...(await startRunning()), runner: gone }, true)
  })

  test('whose lease has expired, although its runner is alive', async (t) => {
    const action = await startRunning()
    await expireLease(db, action.actionId)
    await assertEnds(t, { ...action, runner: living }, true)
  })

  test('whose action another runner has claimed again', async (t) => {
    const { actionId } = await enqueue(db, 'create', newName())
    const first = await claimNow(db, actionId)
    await expireLease(db, actionId)
    const second = await claimNow(db, actionId)
    assert.ok(second.fencingToken > first.fencingToken)
    await assertEnds(t, { ...first, runner: living }, true)
  })

  test('whose action the recovery has ended as interrupted, wherever its runner is', async (t) => {
    const action = await startRunning()
    await expireLease(db, action.actionId)
    while ((await endExpiredAction(db.pool, false)) !== null);
    await assertEnds(t, { ...action, runner: elsewhere }, true)
  })
})

suite('A search for orphans does not end a script', () => {
  test('of a runner that holds its lease, here or in another PID namespace', async (t) => {
    await assertEnds(t, { ...(await startRunning()), runner: living }, false)
    await assertEnds(t, { ...(await startRunning()), runner: elsewhere }, false)
  })

  test('of the runner that searches', async (t) => {
    const action = await startRunning()
    await expireLease(db, action.actionId)
    await assertEnds(t, { ...action, runner: own }, false)
  })

  test('of another installation', async (t) => {
    await assertEnds(t, { ...(await startRunning()), runner: gone, installation: 'there' }, false)
  })

  test('that its runner has ended: it is a process that was left running on purpose', async (t) => {
    const name = newName()
    await assertEnds(t, { ...(await runAction(db, 'create', name)), runner: gone }, false)
  })

  test('of an action that the database does not know', async (t) => {
    await assertEnds(t, { actionId: 999_999, fencingToken: 1, runner: gone }, false)
  })
})
