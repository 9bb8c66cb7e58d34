/**
 * Tells the notifications script of status changes, one after another: each is told at most once, and at most one is lost with
 * its runner. A failure changes nothing.
 */
import { type StatusChange, takeStatusChanges } from '../db/sweep.ts'
import { notificationArguments } from '../domain/script.ts'
import type { Status } from '../domain/status.ts'
import { type Loop, repeat } from './loop.ts'
import { ask } from './run.ts'
import type { Workshop } from './workshop.ts'

/** How many are only taken off the list at once. */
const batch = 500

export function notify(workshop: Workshop): Loop {
  const silent = workshop.scripts.path('notifications') === null
  // Without a script they are only taken off the list, now and then.
  const loop = repeat(workshop.log, 'notifications', silent ? 30_000 : 1000, async () => {
    if (silent) {
      if ((await takeStatusChanges(workshop.db, batch)).length === batch) loop.nudge()
      return
    }
    while (!workshop.closing.aborted) {
      const [change] = await takeStatusChanges(workshop.db, 1)
      if (change === undefined) return
      await tell(workshop, change)
    }
  })
  return silent ? { nudge: () => {}, stop: loop.stop } : loop
}

async function tell(workshop: Workshop, change: StatusChange): Promise<void> {
  const { project, settings, log } = workshop
  const from = change.old_status as Status
  const to = change.new_status as Status
  const asked = await ask(
    workshop,
    'notifications',
    notificationArguments(project, change.deployment, from, to),
    {
      timeoutMs: settings.CHECK_TIMEOUT,
    },
  )
  if (asked.failure !== null) log.warn({ deployment: change.deployment }, asked.failure)
}
