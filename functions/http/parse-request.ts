/**
 * Parses bodies, queries and path parameters; what is invalid becomes a bad_request or bad_name (400) that names the
 * field.
 */
import { z } from 'zod'
import { defaultNameMaxLength, describeNameError } from '../../domain/deployment-name.ts'
import { ApiError } from '../../domain/errors.ts'
import { findDuplicateKey } from '../../lib/json-duplicate-keys.ts'

const maxReportedIssues = 5

/** The error of a name for a new deployment, which offers a valid one; null when it is valid. */
export function badName(name: string, maxLength: number): ApiError | null {
  const message = describeNameError(name, maxLength)
  return message === null ? null : new ApiError('bad_name', message)
}

/** `where` (query, body) comes first in the path of each reported field. `nameMaxLength`: NAME_MAX_LENGTH. */
export function parse(
  schema: z.ZodType,
  value: unknown,
  where: string,
  nameMaxLength: number = defaultNameMaxLength,
): unknown {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const { issues } = result.error
  const nameIssue = issues.find((issue) => issue.code === 'custom' && issue.params?.code === 'bad_name')
  if (nameIssue?.code === 'custom')
    throw (
      badName(String(nameIssue.params?.name), nameMaxLength) ?? new ApiError('bad_name', nameIssue.message)
    )
  const messages = issues
    .slice(0, maxReportedIssues)
    .map((issue) => `${[where, ...issue.path].join('.')}: ${issue.message}`)
  const rest = issues.length - messages.length
  throw new ApiError('bad_request', messages.join('; ') + (rest > 0 ? `; and ${rest} more` : ''))
}

/**
 * Of a parameter that is sent several times, the first value counts, unless its schema is a list. A number is a whole number:
 * Number() would also read 0x10, 1e2 and white space.
 */
export function parseQuery(schema: z.ZodObject, query: Record<string, string[]>): unknown {
  const values = Object.entries(query).map(([name, all]) => {
    const [first = ''] = all
    // PostgreSQL cannot store it.
    if (all.some((value) => value.includes('\0')))
      throw new ApiError('bad_request', `query.${name}: contains the character NUL.`)
    const type = Object.hasOwn(schema.shape, name) ? withoutDefault(schema.shape[name]) : undefined
    if (type instanceof z.ZodNumber && !/^-?\d{1,15}$/.test(first))
      throw new ApiError('bad_request', `query.${name}: "${first.slice(0, 40)}" is not a whole number.`)
    return [name, type instanceof z.ZodArray ? all : first]
  })
  return parse(schema, Object.fromEntries(values), 'query')
}

function withoutDefault(type: unknown): unknown {
  return type instanceof z.ZodOptional || type instanceof z.ZodDefault ? withoutDefault(type.unwrap()) : type
}

/** Rejects an object with the same key twice: readers would disagree about its value. */
export function parseJson(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new ApiError(
      'bad_request',
      `The body is not JSON: ${error instanceof Error ? error.message : error}`,
    )
  }
  const duplicate = duplicateKeyOf(text)
  if (duplicate === null) return value
  throw new ApiError('bad_request', `The body has the key ${JSON.stringify(duplicate.slice(0, 60))} twice.`)
}

/** Rejects a field that is sent twice, as OAuth says. */
export function parseForm(text: string): Record<string, string> {
  const fields = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(text)) {
    if (fields.has(name))
      throw new ApiError('bad_request', `The body has the field ${JSON.stringify(name.slice(0, 60))} twice.`)
    fields.set(name, value)
  }
  return Object.fromEntries(fields)
}

function duplicateKeyOf(text: string): string | null {
  try {
    return findDuplicateKey(text)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new ApiError('bad_request', `The body has ${error.message}.`)
  }
}

export function parseActionId(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new ApiError('bad_request', `"${text.slice(0, 40)}" is not an action id: ids are whole numbers.`)
}
