/** The zod schemas of the explanation of a failure: stored, in responses, and for the notifications script. */
import { z } from 'zod'
import { failedParts, remedies } from './failure.ts'

/** As runners send and store it. */
export const storedFailure = z.object({
  what: z.enum(failedParts),
  script: z.string().nullable().describe('the script that failed'),
  message: z.string().describe('one sentence without words of the script'),
  hint: z.string().nullable().describe('a plain sentence for a known cause'),
  output: z.string().nullable().describe('the last lines that the script printed'),
})
/** `output` and `hint` are null for a caller who may not read output. Words are open: octo also talks to newer servers. */
export const failure = storedFailure.extend({
  what: z.string().describe(failedParts.join(', ')),
  output_hidden: z.boolean().describe('there is output, and the caller may not read it'),
  remedies: z.array(z.string()).describe(`what the reader can do, the best first: ${remedies.join(', ')}`),
})

/** What a notifications script learns. `exit_code`: null when the script did not exit by itself. */
export const notifiedFailure = storedFailure.extend({ what: z.string(), exit_code: z.int().nullable() })
export type NotifiedFailure = z.infer<typeof notifiedFailure>

/** A script beside actions and checks: info, notifications or a config script. It is listed until it next succeeds. */
export const failedScript = z.object({ failed_at: z.iso.datetime(), failure })
