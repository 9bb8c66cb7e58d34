/** What the middlewares store in the Hono context for the handlers after them. */
import type { IdempotencyKey } from '../../db/queries/idempotency.ts'
import type { Role } from '../../domain/api-schema.ts'
import type { Caller } from '../access/limits.ts'

export type RequestEnv = {
  Variables: {
    requestId?: string
    role: Role
    caller: Caller
    /** The text of the body; undefined for GET. */
    bodyText?: string
    idempotencyKey?: IdempotencyKey
  }
}
