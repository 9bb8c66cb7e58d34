/**
 * The messages of the two BullMQ queues: jobs that wake up a runner for an action, and script queries with their
 * answers. Sent by functions and answered by runners, both through db/queue.
 */
import { z } from 'zod'
import { storedFailure } from './failures/failure-schemas.ts'
import { keyValues, overrides } from './schemas.ts'
import { configScripts } from './script.ts'

/** Wakes up a runner, which then reads the action from Postgres. Losing the job loses nothing. */
export const actionJob = z.object({ actionId: z.int() })

const target = z.object({
  name: z.string(),
  overrides: z.object({ application: overrides, deployment: overrides }),
})

/** A read-only query that a runner answers by running a script while the user waits. */
export const scriptQuery = z.discriminatedUnion('type', [
  z.object({ type: z.literal('config'), script: z.enum(configScripts), deployment: keyValues }),
  z.object({ type: z.literal('config_check'), target }),
  z.object({ type: z.literal('status'), target }),
])

/**
 * `rejected`: the script ran and rejects the config; `message` is its output. `failed`: the script did not run
 * properly.
 */
export const scriptAnswer = z.discriminatedUnion('status', [
  z.object({ status: z.literal('pairs'), pairs: keyValues }),
  z.object({ status: z.literal('keys'), keys: z.array(z.string()) }),
  z.object({ status: z.literal('ok') }),
  z.object({ status: z.literal('rejected'), message: z.string() }),
  z.object({ status: z.literal('failed'), message: z.string(), failure: storedFailure.optional() }),
])

export type ActionJob = z.infer<typeof actionJob>
export type ScriptQuery = z.infer<typeof scriptQuery>
export type ScriptAnswer = z.infer<typeof scriptAnswer>
