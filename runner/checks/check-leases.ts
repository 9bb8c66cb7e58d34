/**
 * The leases of running checks. A check ends in time before its lease expires, and as soon as an action of its
 * deployment begins, so that it runs neither beside the script of the action nor beside another check. Called by
 * check-scheduler.ts.
 */
import { type DueCheck, renewCheckLeases } from '../../db/queries/checks.ts'
import { startPeriodic } from '../../lib/periodic.ts'
import type { RunnerContext } from '../context.ts'
import { createLeaseDeadline, type LeaseDeadline } from '../process/lease-deadline.ts'
import { createMarker } from '../process/script-marker.ts'

export type CheckLease = {
  /** Identifies the processes of the check. */
  marker: string
  /** Aborts with 'interrupted' when the check must end; its result does not count then. */
  signal: AbortSignal
  /** True when the check must not start any more, even if `signal` has not aborted yet. */
  isOver(): boolean
  /** Must be called when the check has ended. */
  stop(): void
}

export type CheckLeases = {
  /** `claimedAtMs`: performance.now() before the claim was sent. */
  hold(check: DueCheck, claimedAtMs: number): CheckLease
  /** Ends the check of a deployment if this runner runs it. */
  endCheckOf(deploymentId: number): void
  stop(): Promise<void>
}

type Held = { check: DueCheck; deadline: LeaseDeadline; controller: AbortController }

export function createCheckLeases(context: RunnerContext): CheckLeases {
  const { db, settings, watchdog, logFailure } = context
  const running = new Set<Held>()
  const end = ({ controller }: Held) => controller.abort('interrupted')

  const task = startPeriodic(logFailure, 'check leases', settings.LEASE / 4, async () => {
    if (running.size === 0) return
    const renewed = [...running]
    const sentAtMs = performance.now()
    const checks = renewed.map(({ check }) => check)
    const heldIds = await renewCheckLeases(db, checks, settings.LEASE)
    for (const held of renewed.filter((held) => running.has(held))) {
      if (heldIds.has(held.check.id)) held.deadline.extendFrom(sentAtMs)
      else end(held)
    }
  })
  return {
    hold(check, claimedAtMs) {
      const marker = createMarker(context.markerPrefix)
      const controller = new AbortController()
      const deadline = createLeaseDeadline(context, marker, () => end(held))
      const held: Held = { check, deadline, controller }
      deadline.extendFrom(claimedAtMs)
      running.add(held)
      return {
        marker,
        signal: controller.signal,
        isOver: () => controller.signal.aborted || deadline.isOver(),
        stop: () => {
          running.delete(held)
          deadline.stop()
          watchdog.unregister(marker)
        },
      }
    },
    endCheckOf(deploymentId) {
      for (const held of running) if (held.check.id === deploymentId) end(held)
    },
    stop: task.stop,
  }
}
