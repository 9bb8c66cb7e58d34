/** What the middlewares store in the Hono context for the handlers after them. */
import type { IdempotencyKey } from '../../db/queries/idempotency.ts'
import type { Caller } from '../access/limits.ts'
import type { Identity } from '../auth/identity.ts'

export type RequestEnv = {
  Variables: {
    requestId?: string
    identity: Identity
    caller: Caller
    /** The text of the body; undefined for GET. */
    bodyText?: string
    /** Whether it is form-encoded; else it is JSON. */
    hasFormBody?: boolean
    idempotencyKey?: IdempotencyKey
  }
}
