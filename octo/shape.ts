/**
 * Whether what the server says has the shape that domain gives it. The one place of octo that knows zod, whose loading
 * costs more than the rest of octo: loaded when there is an answer, and in the bundles infra/octo puts the JSON Schema of
 * these shapes in its place. Called by client.ts and json.ts.
 */
import { z } from 'zod'
import { actionStates } from '../domain/action.ts'
import { type Api, api, type EndpointName } from '../domain/api.ts'
import { liveMessage } from '../domain/event.ts'
import { outputChunk } from '../domain/shapes.ts'

type Answers = {
  [Name in EndpointName as Api[Name]['answer'] extends z.ZodType ? Name : never]: Api[Name]['answer']
}
const answers = Object.fromEntries(
  Object.entries(api).flatMap(([name, { answer }]) => (typeof answer === 'string' ? [] : [[name, answer]])),
) as unknown as Answers

/** Answers by the name of their endpoint, the messages of the websocket, and the events of a stream of output. */
export const shapes = {
  ...answers,
  liveMessage,
  outputChunk,
  outputEnd: z.object({ state: z.enum(actionStates) }),
}
export type ShapeName = keyof typeof shapes
export type Shaped<Name extends ShapeName> = z.output<(typeof shapes)[Name]>

/** Where the first difference is, in words; null when there is none. */
export function wrongWith(name: ShapeName, json: unknown): string | null {
  const [issue] = shapes[name].safeParse(json).error?.issues ?? []
  return issue === undefined ? null : `${issue.path.map(String).join('.') || 'answer'}: ${issue.message}`
}
