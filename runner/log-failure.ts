/** Logs the failures of a runner. Created by open-runner.ts. */
import type { Logger } from 'pino'
import { describeOrdinaryLoss } from '../db/errors.ts'

/**
 * A warning in one line when the program needs no correction: a store is away, or the action is gone. Otherwise an error
 * with its stack.
 */
export type LogFailure = (error: unknown, message: string, fields?: object) => void

export const createLogFailure =
  (log: Logger): LogFailure =>
  (error, message, fields = {}) => {
    const cause = describeOrdinaryLoss(error)
    if (cause === null) log.error({ ...fields, err: error }, message)
    else log.warn({ ...fields, cause }, message)
  }
