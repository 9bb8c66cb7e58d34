/**
 * The shapes of everything on the wire, as zod schemas; the types of the pure rules are what they parse to.
 * Requests are strict (an unknown field is the sender's mistake), answers are described as they are sent.
 */
import { z } from 'zod'
import { actionStates, actionWireNames } from './actions.ts'
import { deploymentNameError } from './deployment-name.ts'
import {
  configKeyError,
  configValueError,
  type KeyValue,
  maxOverrides,
  normalizeKey,
  type Override,
  overridesFromWire,
  type WireOverrides,
} from './overrides.ts'
import { failureKinds, statuses } from './statuses.ts'

const timestamp = z.iso.datetime().describe('ISO 8601, UTC')

export const deploymentName = z
  .string()
  .superRefine((name, context) => {
    const problem = deploymentNameError(name)
    if (problem !== null) context.addIssue({ code: 'custom', message: problem, params: { code: 'bad_name' } })
  })
  .meta({ pattern: '^[a-z][a-z0-9-]{1,15}$', examples: ['feature-1'] })

const configKey = z.string().transform((text, context) => {
  const normal = normalizeKey(text)
  const problem = configKeyError(normal)
  if (problem !== null) context.addIssue({ code: 'custom', message: problem })
  return normal
})

const overrideValue = z.discriminatedUnion('tag', [
  z.strictObject({ tag: z.literal('ValueAdded'), contents: z.string() }),
  z.strictObject({ tag: z.literal('ValueDeleted') }),
])

/** A whole set of overrides of one level, keys normalised, none twice. */
export const overridesInput = z
  .array(z.tuple([configKey, overrideValue]))
  .max(maxOverrides, `At most ${maxOverrides} overrides fit in one level.`)
  .superRefine((overrides, context) => {
    const seen = new Set<string>()
    for (const [at, [name, value]] of overrides.entries()) {
      const problem = value.tag === 'ValueAdded' ? configValueError(name, value.contents) : null
      if (problem !== null) context.addIssue({ code: 'custom', message: problem, path: [at, 1, 'contents'] })
      if (seen.has(name))
        context.addIssue({ code: 'custom', message: `Config key ${name} is given twice.`, path: [at] })
      seen.add(name)
    }
  })
  .meta({ examples: [[['image.tag', { tag: 'ValueAdded', contents: 'v2' }]]] })

/** An effective config of one level, keys normalised. */
export const configInput = z
  .array(z.tuple([configKey, z.string()]))
  .max(maxOverrides, `At most ${maxOverrides} values fit in one level.`)
  .superRefine((pairs, context) => {
    for (const [at, [name, value]] of pairs.entries()) {
      const problem = configValueError(name, value)
      if (problem !== null) context.addIssue({ code: 'custom', message: problem, path: [at, 1] })
    }
  })

/** Stored overrides as they are answered: an old database may hold keys we would refuse today. */
export const overrides: z.ZodType<Override[]> = z.array(z.tuple([z.string(), overrideValue]))
/** Overrides as they stand in the database: what an older program left malformed is passed over, for one odd row must not
 * stop the checks of all. */
export const storedOverrides: z.ZodType<Override[]> = z
  .array(z.tuple([z.string(), overrideValue]).nullable().catch(null))
  .catch([])
  .transform((found) => found.filter((one) => one !== null))

/** Turns the two columns of a database row into one property with both levels. */
export function nestOverrides<Row extends WireOverrides<Override[]>>(row: Row) {
  const { app_overrides, deployment_overrides, ...others } = row
  return { ...others, overrides: overridesFromWire({ app_overrides, deployment_overrides }) }
}

export const keyValues: z.ZodType<KeyValue[]> = z.array(z.tuple([z.string(), z.string()]))
export const keys = z.array(z.string())

export const link = z.object({ name: z.string(), link: z.string() })

export const deployment = z.object({
  name: z.string(),
  app_overrides: overrides,
  deployment_overrides: overrides,
})

export const createBody = z.strictObject({
  name: deploymentName,
  app_overrides: overridesInput,
  deployment_overrides: overridesInput,
})
export const updateBody = z.strictObject({
  app_overrides: overridesInput,
  deployment_overrides: overridesInput,
})

const recordedStatus = z.discriminatedUnion('tag', [
  z.object({
    tag: z.enum(
      statuses.filter((status) => !(failureKinds as readonly string[]).includes(status)) as [string],
    ),
  }),
  z.object({ tag: z.literal('Failure'), contents: z.enum(failureKinds) }),
])

export const preciseStatus = z.object({
  tag: z.enum(['DeploymentNotPending', 'DeploymentPending']),
  recorded_status: recordedStatus,
})

/** An action without its overrides; `state` is where it stands, `error` what went wrong in words. */
export const actionSummary = z.object({
  action_id: z.int(),
  action: z.enum(actionWireNames),
  state: z.enum(actionStates),
  attempt: z.int().describe('1, or more where the operator lets interrupted actions be retried'),
  actor: z.string().describe('who asked'),
  source: z.string().describe('page, octo, ci, api, retention or octopod-1'),
  reason: z.string().nullable(),
  created_at: timestamp,
  started_at: timestamp.nullable(),
  finished_at: timestamp.nullable(),
  exit_code: z.int().nullable(),
  signal: z.string().nullable(),
  error: z.string().nullable(),
  truncated: z.boolean().describe('the output went over the limit and was cut'),
  cancel_requested_at: timestamp.nullable(),
  cancelled_by: z.string().nullable(),
})

export const action = actionSummary.extend({
  deployment: z.string(),
  app_overrides: overrides,
  deployment_overrides: overrides,
})

/** As a deployment tells of it. */
export const lastAction = actionSummary.extend({
  expected_duration_ms: z
    .number()
    .nullable()
    .optional()
    .describe(
      'only while it is queued or running: the median of the last ones of its kind that went well, of its own or else of the project',
    ),
})

export const lastCheck = z.object({
  checked_at: timestamp,
  exit_code: z.int().nullable(),
  error: z.string().nullable(),
})

export const fullInfo = z.object({
  deployment,
  status: preciseStatus,
  metadata: z.array(link),
  created_at: timestamp,
  updated_at: timestamp,
  revision: z.int().describe('grows with every visible change'),
  last_action: lastAction.nullable(),
})
export const fullInfoWithCheck = fullInfo.extend({ last_check: lastCheck.nullable() })

export const actionLog = z.object({
  action_id: z.int(),
  action: z.enum(actionWireNames),
  deployment_app_overrides: overrides,
  deployment_dep_overrides: overrides,
  exit_code: z.int().describe('-1 when the script did not end by itself'),
  duration: z.object({ months: z.literal(0), time: z.number().describe('seconds') }),
  created_at: timestamp,
})

export const info = z.object({ deployment, metadata: z.array(link), logs: z.array(actionLog) })

export const whoami = z.object({
  role: z.enum(['user', 'admin']),
  actor: z.string().describe('who asks, as it would be kept with an action'),
  source: z.string().describe('page, octo, ci or api'),
  project: z.string(),
})

export const success = z.object({ tag: z.literal('Success') })

export const outputChunk = z.object({
  seq: z.int().positive(),
  stream: z.enum(['stdout', 'stderr']),
  text: z.string(),
  at: timestamp,
})
/** `done`: the action has ended and nothing comes after the last chunk here. */
export const outputPage = z.object({
  chunks: z.array(outputChunk),
  done: z.boolean(),
  state: z.enum(actionStates),
})

export const wholeOutput = z.object({
  stdout: z.object({ un_stdout: z.string() }),
  stderr: z.object({ un_stderr: z.string() }),
})

export const pageConfig = z.object({
  app_url: z.string(),
  ws_url: z.string(),
  app_auth: z.string(),
  kubernetes_dashboard_url_template: z.string().nullable(),
})

export type FullInfo = z.infer<typeof fullInfo>
export type FullInfoWithCheck = z.infer<typeof fullInfoWithCheck>
export type Action = z.infer<typeof action>
export type ActionSummary = z.infer<typeof actionSummary>
export type LastAction = z.infer<typeof lastAction>
export type ActionLog = z.infer<typeof actionLog>
export type Info = z.infer<typeof info>
export type OutputChunk = z.infer<typeof outputChunk>
export type OutputPage = z.infer<typeof outputPage>
export type Link = z.infer<typeof link>
