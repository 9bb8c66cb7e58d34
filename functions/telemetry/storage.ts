/** Handler of /storage: how large the history is, and which limits it has. `octo doctor` shows it. */
import { readStorage } from '../../db/queries/stats.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'

export const getStorage: EndpointHandler<'getStorage'> = async ({ db, settings }) => {
  const { outputBytes, outputChunks, tables } = await readStorage(db)
  return {
    output: { bytes: outputBytes, chunks: outputChunks },
    tables,
    limits: {
      OUTPUT_RETENTION: settings.OUTPUT_RETENTION / 1000,
      OUTPUT_DEPLOYMENT_LIMIT: settings.OUTPUT_DEPLOYMENT_LIMIT,
      OUTPUT_TOTAL_LIMIT: settings.OUTPUT_TOTAL_LIMIT,
      ACTION_RETENTION: settings.ACTION_RETENTION / 1000,
      ACTION_HISTORY_LIMIT: settings.ACTION_HISTORY_LIMIT,
    },
  }
}
