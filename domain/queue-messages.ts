/** What travels through the two BullMQ queues: bells for actions, and questions with their answers. */
import { z } from 'zod'
import { keyValues, overrides } from './schemas.ts'
import { configScripts } from './script.ts'

/** A bell: look at this action in Postgres. It carries nothing that could be lost. */
export const actionJob = z.object({ actionId: z.int() })

const target = z.object({
  name: z.string(),
  overrides: z.object({ application: overrides, deployment: overrides }),
})

/** What a function asks the scripts while the user waits; read-only (law 8). */
export const scriptQuery = z.discriminatedUnion('ask', [
  z.object({ ask: z.literal('config'), script: z.enum(configScripts), deployment: keyValues }),
  z.object({ ask: z.literal('config_check'), target }),
  z.object({ ask: z.literal('status'), target }),
])

/** `refused`: the script said no, in its own words. `failed`: it could not do its work. */
export const scriptAnswer = z.discriminatedUnion('is', [
  z.object({ is: z.literal('pairs'), pairs: keyValues }),
  z.object({ is: z.literal('keys'), keys: z.array(z.string()) }),
  z.object({ is: z.literal('ok') }),
  z.object({ is: z.literal('refused'), message: z.string() }),
  z.object({ is: z.literal('failed'), message: z.string() }),
])

export type ActionJob = z.infer<typeof actionJob>
export type ScriptQuery = z.infer<typeof scriptQuery>
export type ScriptAnswer = z.infer<typeof scriptAnswer>
