/** What travels through the two BullMQ queues: bells for actions, and questions with their answers. */
import { z } from 'zod'
import { configScripts } from './script.ts'
import { overrides, pairs } from './shapes.ts'

/** A bell: look at this action in Postgres. It carries nothing that could be lost. */
export const bell = z.object({ actionId: z.int() })

const target = z.object({ name: z.string(), appOverrides: overrides, deploymentOverrides: overrides })

/** What a function asks the scripts while the user waits; read-only (law 8). */
export const question = z.discriminatedUnion('ask', [
  z.object({ ask: z.literal('config'), script: z.enum(configScripts), deployment: pairs }),
  z.object({ ask: z.literal('config_check'), target }),
  z.object({ ask: z.literal('status'), target }),
])

/** `refused`: the script said no, in its own words. `failed`: it could not do its work. */
export const answer = z.discriminatedUnion('is', [
  z.object({ is: z.literal('pairs'), pairs }),
  z.object({ is: z.literal('keys'), keys: z.array(z.string()) }),
  z.object({ is: z.literal('ok') }),
  z.object({ is: z.literal('refused'), words: z.string() }),
  z.object({ is: z.literal('failed'), words: z.string() }),
])

export type Bell = z.infer<typeof bell>
export type Question = z.infer<typeof question>
export type Answer = z.infer<typeof answer>
