/** Tells the notifications script of status changes. Each is told at most once; a failure changes nothing. */
import { type StatusChange, takeStatusChanges } from '../db/sweep.ts'
import { notificationArguments } from '../domain/script.ts'
import type { Status } from '../domain/status.ts'
import { type Loop, repeat } from './loop.ts'
import { ask } from './run.ts'
import type { Workshop } from './workshop.ts'

const batch = 50

export function notify(workshop: Workshop): Loop {
  const silent = workshop.scripts.path('notifications') === null
  // Without a script they are only taken off the list, now and then.
  const loop = repeat(workshop.log, 'notifications', silent ? 30_000 : 1000, async () => {
    const changes = await takeStatusChanges(workshop.db, batch)
    if (!silent) for (const change of changes) await tell(workshop, change)
    if (changes.length === batch) loop.nudge()
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
