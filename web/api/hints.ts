/** What a user of the page can do after an error; the hints for programs are in domain/errors.ts. Called by ui/. */
import type { ApiError } from '../../client/errors.ts'
import type { ErrorCode } from '../../domain/errors.ts'

export const hintFor = ({ code, status, hint }: ApiError): string =>
  hint ??
  (code && hints[code]) ??
  (status >= 400 && status < 500
    ? 'Change what the message names, then try again.'
    : 'Try again in a moment. If the problem persists, contact your DevOps engineer.')

const hints: Partial<Record<ErrorCode, string>> = {
  name_taken: 'Choose another name, or update the existing deployment.',
  config_rejected: 'Change the config as the message says.',
  unauthenticated: 'Sign in, then try again.',
  session_ended: 'Sign in again. Your input on this page is kept.',
  forbidden: 'Ask somebody who has this role, or an admin.',
  no_such_code: 'Type the code that your program shows now.',
  precondition_failed: 'Review the changes, then save again.',
  busy: 'Wait until the running action has ended, or cancel it.',
  rate_limited: 'Wait a few seconds, then try again.',
  script_failed: 'A control script failed. Contact your DevOps engineer.',
  script_query_timeout: 'No runner answered in time. Contact your DevOps engineer.',
}
