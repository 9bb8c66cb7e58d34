/** The part of the endpoint table about pauses. Part of api-schema.ts. */
import { z } from 'zod'
import { type Endpoint, endpoints } from '../endpoints.ts'
import { success } from '../schemas.ts'
import { allPausable, maxPauseSeconds, pauseReasonError } from './pause.ts'

export const pause = z.object({
  what: z.enum(allPausable),
  since: z.iso.datetime(),
  until: z.iso.datetime().nullable().describe('null: until somebody resumes'),
  by: z.string(),
  reason: z.string(),
})

const pauseBody = z
  .strictObject({
    reason: z
      .string()
      .trim()
      .superRefine((reason, context) => {
        const problem = pauseReasonError(reason)
        if (problem !== null) context.addIssue({ code: 'custom', message: problem })
      })
      .describe('everybody who may read deployments reads it'),
    until: z.iso.datetime({ offset: true }).optional().describe('when the pause ends'),
    for_seconds: z
      .int()
      .min(1)
      .max(maxPauseSeconds)
      .optional()
      .describe('how long it lasts, by the clock of the database; without both it has no end'),
    replace: z.boolean().optional().describe('also when somebody else has paused it'),
  })
  .refine(({ until, for_seconds }) => until === undefined || for_seconds === undefined, {
    message: 'until and for_seconds do not go together.',
  })

export const pauseEndpoints = {
  listPauses: {
    ...endpoints.listPauses,
    right: 'read',
    since: '2.0',
    summary: 'What is paused for all deployments, and why',
    response: z.array(pause),
    errors: [],
  },
  pauseWork: {
    ...endpoints.pauseWork,
    right: 'pause',
    since: '2.0',
    summary: 'Pause checks, retention or notifications for all deployments',
    body: pauseBody,
    response: pause,
    errors: ['bad_request', 'already_paused'],
  },
  resumeWork: {
    ...endpoints.resumeWork,
    right: 'pause',
    since: '2.0',
    summary: 'End a pause; without one nothing changes',
    response: success,
    errors: ['bad_request'],
  },
} as const satisfies Record<string, Endpoint>
