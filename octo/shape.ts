/**
 * Whether an answer has the shape that domain/api.ts gives it. Loaded by client.ts when there is an answer: zod and the
 * schemas cost more than the rest of octo. In the bundles infra/octo puts their JSON Schema in its place.
 */
import { api, type EndpointName } from '../domain/api.ts'

/** Where the first difference is, in words; null when there is none. */
export function wrongWith(name: EndpointName, json: unknown): string | null {
  const { answer } = api[name]
  if (typeof answer === 'string') return null
  const [issue] = answer.safeParse(json).error?.issues ?? []
  return issue === undefined ? null : `${issue.path.map(String).join('.') || 'answer'}: ${issue.message}`
}
