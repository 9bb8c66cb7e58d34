/** The zod schemas of labels and titles, as requests and answers have them. Used by schemas.ts and change-endpoints.ts. */
import { z } from 'zod'
import { labelKeyError, labelValueError, maxLabels, titleError } from '../labels.ts'

/** In answers. */
export const labels = z
  .record(z.string(), z.string())
  .describe('for selectors; keys and values as in Kubernetes')

/** All labels of a new deployment, or those that a request sets. */
export const newLabels = z
  .record(z.string(), z.string())
  .superRefine((found, context) => {
    const entries = Object.entries(found)
    if (entries.length > maxLabels)
      context.addIssue({ code: 'custom', message: `A deployment has at most ${maxLabels} labels.` })
    for (const [key, value] of entries.slice(0, maxLabels)) {
      const problem = labelKeyError(key) ?? labelValueError(key, value)
      if (problem !== null) context.addIssue({ code: 'custom', message: problem })
    }
  })
  .meta({ examples: [{ team: 'shop' }] })

const labelKey = z.string().superRefine((key, context) => {
  const problem = labelKeyError(key)
  if (problem !== null) context.addIssue({ code: 'custom', message: problem })
})

/** White space at the ends is dropped. */
export const newTitle = z
  .string()
  .trim()
  .superRefine((title, context) => {
    const problem = titleError(title)
    if (problem !== null) context.addIssue({ code: 'custom', message: problem })
  })

const fields = {
  set: newLabels.optional().describe('added or changed; other labels stay'),
  remove: z.array(labelKey).max(maxLabels).optional().describe('keys; one that is not there is ignored'),
}

export const labelChanges = z.strictObject(fields).superRefine(refuseContradiction)

export const labelsBody = z
  .strictObject({
    ...fields,
    title: newTitle.nullable().optional().describe('null removes it; without the field it stays'),
  })
  .superRefine(refuseContradiction)

type LabelFields = { set?: Record<string, string> | undefined; remove?: string[] | undefined }

function refuseContradiction({ set = {}, remove = [] }: LabelFields, context: z.RefinementCtx): void {
  const both = remove.find((key) => Object.hasOwn(set, key))
  if (both !== undefined)
    context.addIssue({ code: 'custom', message: `Label ${both} is set and removed.`, path: ['remove'] })
}
