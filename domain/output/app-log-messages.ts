/** What servers and runners say to each other about app logs, through db/redis/app-logs. */
import { z } from 'zod'
import { type AppLogEndReason, appLogEnds } from './app-log-events.ts'

/**
 * Asks every runner to run the script. `key`: of the run that all readers with the same wish share. `caller`: who asks first; only
 * compared.
 */
export const appLogRequest = z.object({
  requestId: z.string(),
  key: z.string(),
  caller: z.string().optional(),
  deploymentId: z.int(),
  configRevision: z.int(),
  tail: z.int(),
  follow: z.boolean(),
})

/** The run of a key: a runner holds it and renews it. */
export const appLogClaim = z.object({ runId: z.string(), runner: z.string() })

/** `busy`: all places of the runner are taken, or those of the deployment or the caller. `no_script`: it has no app_logs script. */
export const appLogRefusals = ['busy', 'no_script'] as const

/** What a run has to say, in order. Lines are numbered from 1. */
export const appLogEntry = z.discriminatedUnion('type', [
  z.object({ type: z.literal('running') }),
  z.object({ type: z.literal('lines'), first: z.int(), at: z.string(), lines: z.array(z.string()) }),
  z.object({ type: z.literal('dropped'), lines: z.int() }),
  z.object({
    type: z.literal('end'),
    reason: z.enum(Object.keys(appLogEnds) as [AppLogEndReason, ...AppLogEndReason[]]),
    message: z.string(),
  }),
])

export type AppLogRequest = z.infer<typeof appLogRequest>
export type AppLogClaim = z.infer<typeof appLogClaim>
export type AppLogRefusal = (typeof appLogRefusals)[number]
export type AppLogEntry = z.infer<typeof appLogEntry>
