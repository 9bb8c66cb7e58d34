/** Describes the errors of an endpoint, grouped by status, with their bodies. Used by operation.ts and document.ts. */
import { api, type EndpointName } from '../../domain/api-schema.ts'
import { type Endpoint, headers } from '../../domain/endpoints.ts'
import { type ErrorCode, errorBody, errorCodes } from '../../domain/errors.ts'
import { type JsonSchema, refTo } from './json-schemas.ts'

const codeOrder = Object.keys(errorCodes) as ErrorCode[]

/** Whether a repeated request with the same Idempotency-Key acts once. */
export const acceptsIdempotencyKey = (name: EndpointName): boolean =>
  (api[name].errors as readonly ErrorCode[]).includes('idempotency_key_reused')

/**
 * The codes in the endpoint table and those that follow from right, method and body, in the order of the error table.
 */
export function errorCodesOf(name: EndpointName): ErrorCode[] {
  const { right, method, body, errors, runsScript }: Endpoint = api[name]
  const all = new Set<ErrorCode>([...errors, 'wrong_host', 'rate_limited', 'service_unavailable', 'internal'])
  if (right !== 'open') all.add('unauthenticated').add('session_ended').add('bad_request')
  if (right !== 'open' && right !== 'known') all.add('forbidden')
  if (method !== 'GET' || runsScript) all.add('wrong_origin')
  if (method !== 'GET') all.add('too_large')
  if (body !== undefined) all.add('bad_request').add('wrong_media_type')
  if (acceptsIdempotencyKey(name)) all.add('bad_request')
  return codeOrder.filter((code) => all.has(code))
}

/** The only error in plain text: the message of the config_check script. */
const isPlainText = (code: ErrorCode) => code === 'config_rejected'
const isAboutName = (code: ErrorCode) => errorBody(code, '').tag === 'ValidationError'

export type ErrorResponse = {
  description: string
  headers: Record<string, { $ref: string }>
  content: Record<string, { schema: JsonSchema }>
}

const header = (name: string) => ({ $ref: `#/components/headers/${name}` })
/** Every response has them. */
export const commonHeaders = {
  [headers.requestId]: header('RequestId'),
  [headers.version]: header('Version'),
}
const responseHeaders: Record<number, Record<string, { $ref: string }>> = {
  401: { 'WWW-Authenticate': header('Challenge') },
  429: { 'Retry-After': header('RetryAfter') },
  503: { 'Retry-After': header('RetryAfter') },
}

export function errorResponses(codes: readonly ErrorCode[]): Record<string, ErrorResponse> {
  const responses: Record<string, ErrorResponse> = {}
  for (const [status, group] of Map.groupBy(codes, (code) => errorCodes[code].status)) {
    const json = group.filter((code) => !isPlainText(code))
    responses[status] = {
      description: group.map((code) => `\`${code}\`: ${errorCodes[code].remedy}`).join('\n\n'),
      headers: { ...commonHeaders, ...responseHeaders[status] },
      content: {
        ...(json.length > 0 ? { 'application/json': { schema: bodySchema(json) } } : {}),
        ...(group.some(isPlainText)
          ? {
              'text/plain': { schema: { type: 'string', description: 'message of the config_check script' } },
            }
          : {}),
      },
    }
  }
  return responses
}

function bodySchema(codes: readonly ErrorCode[]): JsonSchema {
  const ofKind = (name: 'ValidationError' | 'AppError', some: ErrorCode[]): JsonSchema[] =>
    some.length === 0
      ? []
      : [{ allOf: [refTo(name), { type: 'object', properties: { code: { enum: some } } }] }]
  const kinds = [
    ...ofKind('ValidationError', codes.filter(isAboutName)),
    ...ofKind(
      'AppError',
      codes.filter((code) => !isAboutName(code)),
    ),
  ]
  return kinds.length === 1 && kinds[0] ? kinds[0] : { oneOf: kinds }
}

/** The two bodies of contract §4; `code` is new since Octopod 2. */
export const errorSchemas: Record<'ValidationError' | 'AppError', JsonSchema> = {
  ValidationError: {
    type: 'object',
    description: 'An error about the name of a deployment.',
    required: ['tag', 'name_field', 'code'],
    properties: {
      tag: { type: 'string', const: 'ValidationError' },
      name_field: { type: 'array', items: { type: 'string' }, description: 'message for people' },
      code: { type: 'string', enum: codeOrder.filter(isAboutName) },
    },
  },
  AppError: {
    type: 'object',
    description: 'Any other error.',
    required: ['tag', 'error_message', 'code'],
    properties: {
      tag: { type: 'string', const: 'AppError' },
      error_message: { type: 'string', description: 'message for people' },
      code: { type: 'string', enum: codeOrder.filter((code) => !isAboutName(code) && !isPlainText(code)) },
    },
  },
}
