/**
 * Converts the zod schemas of the API to JSON Schema. Named schemas become components of the OpenAPI document, others
 * are inlined. Used by document.ts and operation.ts.
 */
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { pageConfig } from '../../domain/access/access-schemas.ts'
import { api, type EndpointName } from '../../domain/api-schema.ts'
import { changeEvent, liveMessage } from '../../domain/event.ts'
import { pause } from '../../domain/pauses/pause-endpoints.ts'
import * as shapes from '../../domain/schemas.ts'
import { storage } from '../../domain/settings/storage.ts'

export type JsonSchema = { [keyword: string]: unknown }

const requestSchemas = {
  Name: shapes.deploymentName,
  CreateBody: shapes.createBody,
  UpdateBody: shapes.updateBody,
  NewOverrides: shapes.overridesInput,
  Config: shapes.configInput,
}

const responseSchemas = {
  Success: shapes.success,
  FullInfo: shapes.fullInfo,
  FullInfoWithCheck: shapes.fullInfoWithCheck,
  Deployment: shapes.deployment,
  Overrides: shapes.overrides,
  Status: shapes.preciseStatus,
  Link: shapes.link,
  Check: shapes.lastCheck,
  ActionSummary: shapes.actionSummary,
  Action: shapes.action,
  Info: shapes.info,
  ActionLog: shapes.actionLog,
  OutputPage: shapes.outputPage,
  OutputChunk: shapes.outputChunk,
  WholeOutput: shapes.wholeOutput,
  Storage: storage,
  Pause: pause,
  Pairs: shapes.keyValues,
  Keys: shapes.keys,
  PageConfig: pageConfig,
  ChangeEvent: changeEvent,
  LiveMessage: liveMessage,
}

export type ComponentName = keyof typeof requestSchemas | keyof typeof responseSchemas

export const refTo = (name: ComponentName | 'ValidationError' | 'AppError'): JsonSchema => ({
  $ref: `#/components/schemas/${name}`,
})

export type Schemas = {
  components: Record<string, JsonSchema>
  bodies: Partial<Record<EndpointName, JsonSchema>>
  responses: Partial<Record<EndpointName, JsonSchema>>
}

export function createSchemas(): Schemas {
  const bodies: [EndpointName, z.ZodType][] = []
  const responses: [EndpointName, z.ZodType][] = []
  for (const name of Object.keys(api) as EndpointName[]) {
    const endpoint = api[name]
    if ('body' in endpoint) bodies.push([name, endpoint.body])
    if (typeof endpoint.response !== 'string') responses.push([name, endpoint.response])
  }
  const input = convert('input', requestSchemas, bodies)
  const output = convert('output', responseSchemas, responses)
  return {
    components: { ...input.components, ...output.components },
    bodies: input.used,
    responses: output.used,
  }
}

/** Returns the named schemas, and for each endpoint a reference to one of them or a schema of its own. */
function convert(
  io: 'input' | 'output',
  named: Record<string, z.ZodType>,
  users: readonly [EndpointName, z.ZodType][],
): { components: Record<string, JsonSchema>; used: Partial<Record<EndpointName, JsonSchema>> } {
  const registry = z.registry<{ id: string }>()
  for (const [id, shape] of Object.entries(named)) registry.add(shape, { id })
  for (const [name, shape] of users) if (!registry.has(shape)) registry.add(shape, { id: `${name}()` })
  const { schemas } = z.toJSONSchema(registry, {
    io,
    target: 'draft-2020-12',
    unrepresentable: 'any',
    uri: (id) => `#/components/schemas/${id}`,
    override: ({ jsonSchema }) => simplify(jsonSchema, io),
  })
  const bare = ({ $schema: _, $id: __, ...rest }: JsonSchema): JsonSchema => rest
  const used: Partial<Record<EndpointName, JsonSchema>> = {}
  for (const [name, shape] of users) {
    const id = registry.get(shape)?.id ?? ''
    used[name] = id in named ? { $ref: `#/components/schemas/${id}` } : bare(schemas[id] ?? {})
  }
  const components = Object.keys(named).map((id) => [id, bare(schemas[id] ?? {})] as const)
  return { components: Object.fromEntries(components), used }
}

/**
 * Removes keywords that only repeat the type. Answers stay open for new fields. A pair of two texts is a list of two:
 * many readers do not know `prefixItems`.
 */
function simplify(schema: JsonSchema, io: 'input' | 'output'): void {
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum
  if (schema.format === 'date-time') delete schema.pattern
  if (io === 'output') delete schema.additionalProperties
  const { prefixItems } = schema
  if (Array.isArray(prefixItems) && prefixItems.every((one) => isDeepStrictEqual(one, prefixItems[0]))) {
    delete schema.prefixItems
    schema.items = prefixItems[0]
  }
}

/** The query parameters of an endpoint, by name. */
export function queryOf(name: EndpointName): Record<string, JsonSchema> {
  const endpoint = api[name]
  if (!('query' in endpoint)) return {}
  const { properties } = z.toJSONSchema(endpoint.query, {
    io: 'input',
    override: ({ jsonSchema }) => simplify(jsonSchema, 'input'),
  })
  return (properties ?? {}) as Record<string, JsonSchema>
}
