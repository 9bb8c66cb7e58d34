/**
 * Checks that responses match the schemas of domain. The only file of octo that loads zod, which is slow to load, so
 * client.ts loads this file when a response has arrived. Called by client.ts, stream-output.ts, live-connection.ts and commands/audit/follow.ts.
 */
import type { z } from 'zod'
import { type Api, api, type EndpointName } from '../../domain/api-schema.ts'
import { auditEntry } from '../../domain/audit/audit-schemas.ts'
import { liveMessage } from '../../domain/event.ts'
import { outputChunk, outputEnd } from '../../domain/schemas.ts'

type EndpointSchemas = {
  [Name in EndpointName as Api[Name]['response'] extends z.ZodType ? Name : never]: Api[Name]['response']
}
const endpointSchemas = Object.fromEntries(
  Object.entries(api).flatMap(([name, { response }]) =>
    typeof response === 'string' ? [] : [[name, response]],
  ),
) as unknown as EndpointSchemas

/** Responses by the name of their endpoint, messages of the websocket, and events of an output stream. */
export const responseSchemas = {
  ...endpointSchemas,
  auditEntry,
  liveMessage,
  outputChunk,
  outputEnd,
}
export type SchemaName = keyof typeof responseSchemas
export type Validated<Name extends SchemaName> = z.output<(typeof responseSchemas)[Name]>

/** Path and message of the first mismatch; null when there is none. */
export function findMismatch(name: SchemaName, json: unknown): string | null {
  const [issue] = responseSchemas[name].safeParse(json).error?.issues ?? []
  return issue === undefined ? null : `${issue.path.map(String).join('.') || 'response'}: ${issue.message}`
}

/** Parses JSON from the server; null when the text is not JSON or does not match the schema. */
export function parseJson<Name extends SchemaName>(name: Name, text: string): Validated<Name> | null {
  try {
    const json: unknown = JSON.parse(text)
    return findMismatch(name, json) === null ? (json as Validated<Name>) : null
  } catch {
    return null
  }
}
