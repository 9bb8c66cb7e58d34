/** Middleware: rejects a body that is too large with too_large (413), before it is read. */
import { bodyLimit as honoBodyLimit } from 'hono/body-limit'
import { ApiError } from '../../domain/errors.ts'

/** Large enough for 2,000 overrides at both levels; one value may have 100 kB. */
const maxBodyBytes = 1024 * 1024

export const bodyLimit = honoBodyLimit({ maxSize: maxBodyBytes, onError: bodyTooLarge })

function bodyTooLarge(): never {
  throw new ApiError('too_large', `The body is larger than ${maxBodyBytes} bytes.`)
}
