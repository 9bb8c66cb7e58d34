/**
 * The zod schemas of requests and responses. Requests are strict: an unknown field is an error. Used by api-schema.ts,
 * the queues, the events and octo.
 */
import { z } from 'zod'
import { owner } from './access/access-schemas.ts'
import { proofNames } from './access/proof.ts'
import { actionStates, actionWireNames } from './actions.ts'
import { labels, newLabels, newTitle } from './changes/label-schemas.ts'
import { deploymentNameError, deploymentNamePattern, longestNameLength } from './deployment-name.ts'
import { failedScript, failure } from './failures/failure-schemas.ts'
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
    const problem = deploymentNameError(name, longestNameLength)
    if (problem !== null)
      context.addIssue({ code: 'custom', message: problem, params: { code: 'bad_name', name } })
  })
  .meta({ pattern: deploymentNamePattern(longestNameLength).source, examples: ['feature-1'] })

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

/** All overrides of one level. Keys are normalized and unique. */
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

/** The effective config of one level. Keys are normalized. */
export const configInput = z
  .array(z.tuple([configKey, z.string()]))
  .max(maxOverrides, `At most ${maxOverrides} values fit in one level.`)
  .superRefine((pairs, context) => {
    for (const [at, [name, value]] of pairs.entries()) {
      const problem = configValueError(name, value)
      if (problem !== null) context.addIssue({ code: 'custom', message: problem, path: [at, 1] })
    }
  })

/** A value in responses and in the database. Octopod 1.6 ignores added keys, such as `contents: null` of a removed one. */
const storedValue = z.discriminatedUnion('tag', [
  z.object({ tag: z.literal('ValueAdded'), contents: z.string() }),
  z.object({ tag: z.literal('ValueDeleted') }),
])

/** Overrides in responses. An old database may contain keys that requests may not contain today. */
export const overrides: z.ZodType<Override[]> = z.array(z.tuple([z.string(), storedValue]))
/** Overrides from the database. Malformed entries of older programs are skipped: such a row would stop all checks. */
export const storedOverrides: z.ZodType<Override[]> = z
  .array(z.tuple([z.string(), storedValue]).nullable().catch(null))
  .catch([])
  .transform((found) => found.filter((one) => one !== null))

/** Turns the two columns of a database row into one property with both levels. */
export function nestOverrides<Row extends WireOverrides<Override[]>>(row: Row) {
  const { app_overrides, deployment_overrides, ...others } = row
  return { ...others, overrides: overridesFromWire({ app_overrides, deployment_overrides }) }
}

export const keyValues: z.ZodType<KeyValue[]> = z.array(z.tuple([z.string(), z.string()]))
export const keys = z.array(z.string())
export const deploymentNames = z.array(z.string())

export const link = z.object({
  name: z.string(),
  link: z.string(),
  masked_link: z
    .string()
    .optional()
    .describe(
      'only where the link has a secret value of the config, and for callers with the right see_secrets: what others get as link',
    ),
})

export const deployment = z.object({
  name: z.string(),
  app_overrides: overrides,
  deployment_overrides: overrides,
})

export const createBody = z.strictObject({
  name: deploymentName,
  app_overrides: overridesInput,
  deployment_overrides: overridesInput,
  labels: newLabels.optional(),
  title: newTitle.nullable().optional().describe('what people read instead of the name'),
})
export const updateBody = z.strictObject({
  app_overrides: overridesInput,
  deployment_overrides: overridesInput,
})

export const rollbackBody = z.strictObject({
  action_id: z.int().min(1).describe('the action of this deployment whose config is deployed again'),
})
export const cloneBody = createBody.omit({ app_overrides: true, deployment_overrides: true })

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

/** An action without its overrides. */
export const actionSummary = z.object({
  action_id: z.int(),
  action: z.enum(actionWireNames),
  state: z.enum(actionStates),
  attempt: z.int().describe('1, or more after INTERRUPTED_ACTIONS=retry'),
  actor: z.string().describe('the name of who requested it'),
  proof: z
    .enum(proofNames)
    .optional()
    .describe('how it was proved who requested it; claimed: a name without proof, of an earlier version'),
  claimed_actor: z.string().nullable().optional().describe('who the client said its user is, without proof'),
  source: z.string().describe('page, octo, ci, api, retention or octopod-1'),
  reason: z.string().nullable(),
  created_at: timestamp,
  started_at: timestamp.nullable(),
  finished_at: timestamp.nullable(),
  exit_code: z.int().nullable(),
  signal: z.string().nullable(),
  error: z.string().nullable(),
  truncated: z.boolean().describe('the output exceeded the limit and was cut'),
  cancel_requested_at: timestamp.nullable(),
  cancelled_by: z.string().nullable(),
})

/** Null or missing while the output is there. */
const outputRemoval = {
  output_removed_at: timestamp
    .nullable()
    .optional()
    .describe('when a limit of the history removed the output'),
  output_removal_reason: z.string().nullable().optional().describe('a sentence that names the limit'),
}

export const action = actionSummary.extend({
  deployment: z.string(),
  actor_link: z.string().nullable().optional().describe('the address of the CI run that requested it'),
  actor_issuer: z.string().nullable().optional().describe('the provider that names the person'),
  actor_subject: z.string().nullable().optional().describe('the person, as the provider names it'),
  failure: failure.nullable().optional(),
  app_overrides: overrides,
  deployment_overrides: overrides,
  ...outputRemoval,
})

/** The last action, as part of a deployment. */
export const lastAction = actionSummary.extend({
  expected_duration_ms: z
    .number()
    .nullable()
    .optional()
    .describe(
      'only for a queued or running action: the median duration of recent successful actions of its kind, of this deployment or else of the project',
    ),
})

/** The action that waits for the last one to end, as part of a deployment. */
const waitingActionKeys = { action_id: true, action: true, actor: true, created_at: true } as const
export const waitingAction = actionSummary.pick(waitingActionKeys)

export const lastCheck = z.object({
  checked_at: timestamp,
  exit_code: z.int().nullable(),
  error: z.string().nullable(),
  failure: failure.nullable().optional(),
})

export const fullInfo = z.object({
  deployment,
  status: preciseStatus,
  metadata: z.array(link),
  created_at: timestamp,
  updated_at: timestamp,
  revision: z.int().describe('grows with every visible change'),
  owner: owner.nullable().optional().describe('null: nobody owns it'),
  labels: labels.optional(),
  title: z.string().nullable().optional().describe('null: none'),
  last_action: lastAction.nullable(),
  waiting_action: waitingAction
    .nullable()
    .optional()
    .describe(
      'starts when the last action has ended and the health check has passed or failed; null: none waits',
    ),
})
export const fullInfoWithCheck = fullInfo.extend({
  last_action: lastAction
    .extend({ failure: failure.nullable().optional().describe('only for a failed action') })
    .nullable(),
  last_check: lastCheck.nullable(),
  waits_until: timestamp
    .nullable()
    .optional()
    .describe('when the wait for the health check ends as a failure; null: the deployment does not wait'),
  checks_paused_since: timestamp
    .nullable()
    .optional()
    .describe(
      'no check of this deployment runs since then, and the status stays; null: checks run, as after each action',
    ),
  failed_scripts: z
    .array(failedScript)
    .optional()
    .describe('info, notifications and config scripts whose last run failed'),
})

export const actionLog = z.object({
  action_id: z.int(),
  action: z.enum(actionWireNames),
  deployment_app_overrides: overrides,
  deployment_dep_overrides: overrides,
  exit_code: z.int().describe('-1 when the script did not exit by itself'),
  duration: z.object({ months: z.literal(0), time: z.number().describe('seconds') }),
  created_at: timestamp,
})

export const info = z.object({ deployment, metadata: z.array(link), logs: z.array(actionLog) })

export const success = z.object({ tag: z.literal('Success') })
export const outputChunk = z.object({
  seq: z.int().positive(),
  stream: z.enum(['stdout', 'stderr']),
  text: z.string(),
  at: timestamp,
})
/** `done`: the action has ended, and these are its last chunks. */
export const outputPage = z.object({
  chunks: z.array(outputChunk),
  done: z.boolean(),
  state: z.enum(actionStates),
  ...outputRemoval,
})

/** The last event of an output stream. */
export const outputEnd = outputPage.omit({ chunks: true, done: true })

export const wholeOutput = z.object({
  stdout: z.object({ un_stdout: z.string() }),
  stderr: z.object({ un_stderr: z.string() }),
  ...outputRemoval,
})

export type FullInfo = z.infer<typeof fullInfo>
export type FullInfoWithCheck = z.infer<typeof fullInfoWithCheck>
export type Action = z.infer<typeof action>
export type ActionSummary = z.infer<typeof actionSummary>
export type WaitingAction = z.infer<typeof waitingAction>
export type LastAction = z.infer<typeof lastAction>
export type ActionLog = z.infer<typeof actionLog>
export type Info = z.infer<typeof info>
export type OutputChunk = z.infer<typeof outputChunk>
export type OutputPage = z.infer<typeof outputPage>
export type OutputEnd = z.infer<typeof outputEnd>
export type Link = z.infer<typeof link>
