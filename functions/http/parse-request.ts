/**
 * Parses bodies, queries and path parameters; what is invalid becomes a bad_request or bad_name (400) that names the
 * field.
 */
import type { z } from 'zod'
import { ApiError } from '../../domain/errors.ts'

const maxReportedIssues = 5

/** `where` (query, body) comes first in the path of each reported field. */
export function parse(schema: z.ZodType, value: unknown, where: string): unknown {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const { issues } = result.error
  const nameIssue = issues.find((issue) => issue.code === 'custom' && issue.params?.code === 'bad_name')
  if (nameIssue) throw new ApiError('bad_name', nameIssue.message)
  const messages = issues
    .slice(0, maxReportedIssues)
    .map((issue) => `${[where, ...issue.path].join('.')}: ${issue.message}`)
  const rest = issues.length - messages.length
  throw new ApiError('bad_request', messages.join('; ') + (rest > 0 ? `; and ${rest} more` : ''))
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ApiError(
      'bad_request',
      `The body is not JSON: ${error instanceof Error ? error.message : error}`,
    )
  }
}

export function parseActionId(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new ApiError('bad_request', `"${text.slice(0, 40)}" is not an action id: ids are whole numbers.`)
}
