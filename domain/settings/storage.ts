/** The schema of the size and the limits of the history. Used by api-schema.ts. */
import { z } from 'zod'

const limit = z.number().describe('0: no limit')

export const storage = z.object({
  output: z
    .object({ bytes: z.int(), chunks: z.int() })
    .describe('the text of all output that is not removed'),
  tables: z.array(
    z.object({
      name: z.string(),
      bytes: z.int().describe('disk space with indexes'),
      rows: z.number().nullable().describe('estimated by PostgreSQL; null: not yet'),
    }),
  ),
  limits: z
    .object({
      OUTPUT_RETENTION: limit,
      OUTPUT_DEPLOYMENT_LIMIT: limit,
      OUTPUT_TOTAL_LIMIT: limit,
      ACTION_RETENTION: limit,
      ACTION_HISTORY_LIMIT: limit,
    })
    .describe('the settings of this server: seconds, bytes and numbers'),
})
