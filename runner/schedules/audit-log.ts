/**
 * Keeps the audit log: seals committed entries, makes the partitions of the next months and removes what is older than
 * AUDIT_RETENTION. Every runner does this; one at a time seals. Started by main.ts.
 */
import {
  type AuditHead,
  createAuditPartitions,
  deleteOldOutputReads,
  removeOldEntries,
  sealEntries,
} from '../../db/queries/audit/seals.ts'
import { type PeriodicTask, startPeriodic } from '../../lib/periodic.ts'
import type { RunnerContext } from '../context.ts'

/** An entry is sealed within five seconds. */
const intervalMs = 3000
/** A seal says that one of its entries was changed, not which one. */
const entriesPerSeal = 1000
const upkeepIntervalMs = 600_000
const headLogIntervalMs = 60_000

export function startAuditLog(context: RunnerContext): PeriodicTask {
  const { db, log, logFailure } = context
  let isStopped = false
  let head: AuditHead | null = null
  let headLoggedAtMs = Number.NEGATIVE_INFINITY
  let upkeepAtMs = Number.NEGATIVE_INFINITY

  const logHead = () => {
    if (head === null || performance.now() - headLoggedAtMs < headLogIntervalMs) return
    log.info(head, 'audit log sealed')
    headLoggedAtMs = performance.now()
    head = null
  }
  const task = startPeriodic(logFailure, 'audit log', intervalMs, async () => {
    for (;;) {
      const sealed = isStopped ? null : await sealEntries(db, entriesPerSeal)
      if (sealed === null) break
      head = { seal: sealed.seal, hash: sealed.hash }
      logHead()
    }
    logHead()
    if (isStopped || performance.now() - upkeepAtMs < upkeepIntervalMs) return
    upkeepAtMs = performance.now()
    await keepUp(context)
  })
  return {
    runNow: task.runNow,
    stop: async () => {
      isStopped = true
      await task.stop()
      headLoggedAtMs = Number.NEGATIVE_INFINITY
      logHead()
    },
  }
}

async function keepUp({ db, settings, log, logFailure }: RunnerContext): Promise<void> {
  // They wait only briefly for a lock that a backup may hold; the next round tries again.
  try {
    await createAuditPartitions(db)
    while (await deleteOldOutputReads(db));
    while (settings.AUDIT_RETENTION > 0) {
      const removed = await removeOldEntries(db, settings.AUDIT_RETENTION)
      if (removed === null) break
      log.info({ partition: removed }, 'old entries of the audit log were removed')
    }
  } catch (error) {
    logFailure(error, 'the partitions of the audit log could not be changed; the next round tries again')
  }
}
