/**
 * The error codes of the API: one closed list. The server sends them, the page explains them, octo chooses its exit
 * code by them. A code never changes its meaning.
 */

import type { RefusedRequest } from './audit/operations.ts'

/** Code → HTTP status, and what the reader can do. docs/errors.md documents each. */
export const errorCodes = {
  bad_request: { status: 400, remedy: 'Correct the request as the message says and send it again.' },
  bad_name: {
    status: 400,
    remedy:
      'Choose a name of 2 to 16 (NAME_MAX_LENGTH) characters: a-z, 0-9, -, beginning with a letter. The message offers one.',
  },
  name_taken: { status: 400, remedy: 'Choose another name, or update the deployment that has it.' },
  config_rejected: { status: 400, remedy: 'Change the config as the config_check script asks.' },
  unauthenticated: { status: 401, remedy: 'Sign in, or send the Authorization header of this installation.' },
  forbidden: { status: 403, remedy: 'Ask somebody with one of the roles that the message names.' },
  sign_in_failed: { status: 400, remedy: 'Start again at /auth/login; the message says what went wrong.' },
  session_ended: { status: 401, remedy: 'Sign in again.' },
  insecure_transport: { status: 400, remedy: 'Open the page over https.' },
  wrong_origin: { status: 403, remedy: 'Open the page at the address that is set in APP_URL.' },
  wrong_host: {
    status: 421,
    remedy: 'Use an address of this installation, or add the host to ALLOWED_HOSTS.',
  },
  no_such_deployment: { status: 404, remedy: 'Check the name against the list of deployments.' },
  no_such_action: { status: 404, remedy: 'Check the id against the actions of the deployment.' },
  no_app_logs: {
    status: 404,
    remedy:
      'Add an executable app_logs to the control scripts: docs/control-scripts.md says what it receives.',
  },
  app_logs_busy: {
    status: 503,
    remedy: 'Send it again after the seconds that Retry-After names, or raise APP_LOGS_CONCURRENCY.',
  },
  id_token_rejected: {
    status: 400,
    remedy: 'Compare the claims of the ID token with the trust rules of the policy.',
  },
  no_trust_rules: {
    status: 400,
    remedy: 'Add the list trust to the policy file, or send another credential.',
  },
  no_such_token: { status: 404, remedy: 'Nothing to do: the token does not count any more.' },
  no_such_code: {
    status: 404,
    remedy: 'Start the login again and take its new code: each counts ten minutes.',
  },
  no_such_delivery: {
    status: 404,
    remedy: 'Look at the failed deliveries again: this one was sent, or is older than 30 days.',
  },
  no_such_session: { status: 404, remedy: 'Nothing to do: the session has ended already.' },
  not_found: { status: 404, remedy: 'See /api/v1/docs for the existing paths.' },
  method_not_allowed: { status: 405, remedy: 'See /api/v1/docs for the methods of this path.' },
  upgrade_required: {
    status: 426,
    remedy: 'Connect with a websocket; a proxy must pass the header Upgrade.',
  },
  shutting_down: { status: 405, remedy: 'Send it again in a few seconds: another server takes over.' },
  busy: { status: 409, remedy: 'Wait for the running action to end, or cancel it.' },
  already_paused: {
    status: 409,
    remedy:
      'Ask the person whom the message names, then send the request with replace (octo pause --replace).',
  },
  invalid_transition: {
    status: 409,
    remedy: 'Bring the deployment into one of the statuses the message names.',
  },
  deployment_gone: { status: 410, remedy: 'To create it again, use a new Idempotency-Key.' },
  precondition_failed: {
    status: 412,
    remedy: 'Read the deployment again and apply your change to its current config.',
  },
  action_finished: { status: 409, remedy: 'Nothing to do: the action has already ended.' },
  too_large: { status: 413, remedy: 'Send less: the message names the limit.' },
  wrong_media_type: { status: 415, remedy: 'Send the body as application/json.' },
  rate_limited: { status: 429, remedy: 'Send it again after the seconds that Retry-After names.' },
  idempotency_key_reused: { status: 422, remedy: 'Use a new Idempotency-Key for a different request.' },
  internal: { status: 500, remedy: 'Report it with the request id; the server log has the cause.' },
  script_failed: {
    status: 502,
    remedy: 'Ask your DevOps engineer: a control script failed. The message contains its output.',
  },
  service_unavailable: {
    status: 503,
    remedy:
      'Send it again in a moment: the server works again as soon as the database and Redis are reachable and have free disk space.',
  },
  script_query_timeout: { status: 504, remedy: 'Check that a runner is up: no runner answered in time.' },
} as const satisfies Record<string, { status: number; remedy: string }>

export type ErrorCode = keyof typeof errorCodes

/**
 * Rejects a request with a message for the client. Any other thrown error is a fault of Octopod and is sent as
 * `internal`.
 */
export class ApiError extends Error {
  override name = 'ApiError'
  readonly code: ErrorCode
  /** Sends only the message, as plain text: for the output of `config_check`, as in Octopod 1.6 (contract §4). */
  readonly plainText: boolean
  /** When the same request can succeed. */
  readonly retryAfterSeconds: number | undefined
  /** For the audit log: the caller may not do this. The answer may be another one than forbidden, to hide that something exists. */
  readonly refused: RefusedRequest | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      plain?: boolean
      cause?: unknown
      retryAfterSeconds?: number
      refused?: RefusedRequest
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.plainText = options.plain ?? false
    this.retryAfterSeconds = options.retryAfterSeconds
    this.refused = options.refused
  }

  get status(): number {
    return errorCodes[this.code].status
  }
}

export const noSuchDeployment = (name: string) =>
  new ApiError('no_such_deployment', `There is no deployment ${name}.`)

/** `refused`: there is one, and the caller may not see it. */
export const noSuchAction = (id: number, refused?: RefusedRequest) =>
  new ApiError('no_such_action', `There is no action ${id}.`, refused === undefined ? {} : { refused })

export const deploymentBusy = (name: string) =>
  new ApiError('busy', `Deployment ${name} is currently being processed.`)

export const notOwner = (name: string, operation: RefusedRequest['operation']) =>
  new ApiError(
    'forbidden',
    `Deployment ${name} belongs to somebody else: its owner, an operator or an admin may do this.`,
    { refused: { operation, deployment: name } },
  )

export const actionFinished = (id: number, state: string) =>
  new ApiError('action_finished', `Action ${id} has ended already: ${state}.`)

export const idempotencyKeyReused = () =>
  new ApiError('idempotency_key_reused', 'This Idempotency-Key was used for a different request.')

/** The body of an error response (contract §4). Octopod 1.6 has no `code`. */
export type ErrorBody =
  | { tag: 'ValidationError'; name_field: string[]; code: ErrorCode }
  | { tag: 'AppError'; error_message: string; code: ErrorCode }

/** Sent as `ValidationError`, as in Octopod 1.6. All other errors are `AppError`. */
const nameErrors: ReadonlySet<ErrorCode> = new Set(['bad_name', 'name_taken', 'no_such_deployment'])

export function errorBody(code: ErrorCode, message: string): ErrorBody {
  return nameErrors.has(code)
    ? { tag: 'ValidationError', name_field: [message], code }
    : { tag: 'AppError', error_message: message, code }
}
