/**
 * Whether what the server says has the shape that domain gives it. The one place of octo that knows zod, whose loading
 * costs more than the rest of octo: loaded when there is an answer, and in the bundles infra/octo puts the JSON Schema of
 * these shapes in its place. Called by client.ts and json.ts.
 */
import { z } from 'zod'
import { actionStates } from '../../domain/actions.ts'
import { type Api, api, type EndpointName } from '../../domain/api-schema.ts'
import { liveMessage } from '../../domain/event.ts'
import { outputChunk } from '../../domain/schemas.ts'

type EndpointSchemas = {
  [Name in EndpointName as Api[Name]['response'] extends z.ZodType ? Name : never]: Api[Name]['response']
}
const endpointSchemas = Object.fromEntries(
  Object.entries(api).flatMap(([name, { response }]) =>
    typeof response === 'string' ? [] : [[name, response]],
  ),
) as unknown as EndpointSchemas

/** Answers by the name of their endpoint, the messages of the websocket, and the events of a stream of output. */
export const responseSchemas = {
  ...endpointSchemas,
  liveMessage,
  outputChunk,
  outputEnd: z.object({ state: z.enum(actionStates) }),
}
export type SchemaName = keyof typeof responseSchemas
export type Validated<Name extends SchemaName> = z.output<(typeof responseSchemas)[Name]>

/** Where the first difference is, in words; null when there is none. */
export function findMismatch(name: SchemaName, json: unknown): string | null {
  const [issue] = responseSchemas[name].safeParse(json).error?.issues ?? []
  return issue === undefined ? null : `${issue.path.map(String).join('.') || 'response'}: ${issue.message}`
}
