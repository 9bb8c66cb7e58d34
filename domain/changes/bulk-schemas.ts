/** The zod schemas of a change of many deployments. Used by change-endpoints.ts and octo. */
import { z } from 'zod'
import { whenBusyModes } from '../actions.ts'
import { deploymentNamePattern, longestNameLength } from '../deployment-name.ts'
import { configKeyError, configValueError, normalizeKey } from '../overrides.ts'
import { bulkOperations, maxBulkNames, waitingOperations } from './bulk-operations.ts'
import { labelChanges } from './label-schemas.ts'

const override = z
  .strictObject({
    level: z.enum(['application', 'deployment']),
    key: z.string().transform((text, context) => {
      const key = normalizeKey(text)
      const problem = configKeyError(key)
      if (problem !== null) context.addIssue({ code: 'custom', message: problem })
      return key
    }),
    value: z.string().optional().describe('only for set'),
  })
  .superRefine(({ key, value }, context) => {
    const problem = value === undefined ? null : configValueError(key, value)
    if (problem !== null) context.addIssue({ code: 'custom', message: problem, path: ['value'] })
  })

export const bulkBody = z
  .strictObject({
    operation: z.enum(bulkOperations),
    names: z
      .array(z.string().regex(deploymentNamePattern(longestNameLength), 'is not the name of a deployment'))
      .min(1, 'One name at least is needed.')
      .max(maxBulkNames, `At most ${maxBulkNames} names fit in one request.`),
    labels: labelChanges.optional().describe('only for label'),
    override: override.optional().describe('only for set and unset'),
    when_busy: z
      .enum(whenBusyModes)
      .optional()
      .describe('as the header Octopod-When-Busy; only for archive, restore, set and unset'),
    dry_run: z.boolean().optional().describe('decides and changes nothing; config_check does not run'),
  })
  .superRefine(({ operation, names, labels, override, when_busy }, context) => {
    const seen = new Set<string>()
    for (const [at, name] of names.entries()) {
      if (seen.has(name))
        context.addIssue({ code: 'custom', message: `${name} is given twice.`, path: ['names', at] })
      seen.add(name)
    }
    const needs = (field: string, isNeeded: boolean, isGiven: boolean) => {
      if (isNeeded !== isGiven)
        context.addIssue({
          code: 'custom',
          message: `${operation} ${isNeeded ? 'needs' : 'has no'} ${field}.`,
          path: [field],
        })
    }
    needs('labels', operation === 'label', labels !== undefined)
    needs('override', operation === 'set' || operation === 'unset', override !== undefined)
    if (when_busy !== undefined && !waitingOperations.has(operation)) needs('when_busy', false, true)
    if (override !== undefined) needs('override.value', operation === 'set', override.value !== undefined)
  })

export const bulkOutcomes = ['accepted', 'refused', 'unchanged'] as const

/** A line of the answer. */
export const bulkLine = z.object({
  name: z.string(),
  outcome: z.enum(bulkOutcomes),
  action_id: z.int().optional().describe('of the accepted action'),
  error: z.object({ code: z.string(), message: z.string() }).optional().describe('why it is refused'),
})

export type BulkRequest = z.output<typeof bulkBody>
export type BulkLine = z.infer<typeof bulkLine>
