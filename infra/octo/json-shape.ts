/**
 * octo/api/validate-response.ts in the bundles: answers are held against the JSON Schema of domain/api-schema.ts, made while bundling, instead of
 * against zod's schemas, whose building takes longer than all the rest of an `octo list`. Put in its place by bundle.ts.
 */

/** The keywords zod's JSON Schema of the answers has; bundle.ts refuses to build with another. */
export type JsonSchema = {
  $ref?: string
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  items?: JsonSchema | false
  prefixItems?: JsonSchema[]
  minItems?: number
  maxItems?: number
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  pattern?: string
}
export type Definitions = Record<string, JsonSchema>

/** Keywords that are looked at, and those that may be passed over: fields nobody knows are no mistake. */
export const keywords: ReadonlySet<string> = new Set([
  ...['$ref', 'type', 'const', 'enum', 'anyOf', 'oneOf', 'properties', 'required', 'items', 'prefixItems'],
  ...['minItems', 'maxItems', 'minimum', 'maximum', 'exclusiveMinimum', 'pattern'],
  ...['additionalProperties', 'description', 'format'],
])

/** Where `value` differs first, in words; null where it does not. */
export function difference(
  schema: JsonSchema,
  value: unknown,
  definitions: Definitions,
  at: readonly (string | number)[] = [],
): string | null {
  const say = (words: string) => `${at.join('.') || 'answer'}: ${words}`
  if (schema.$ref !== undefined) {
    const target = definitions[schema.$ref.slice('#/$defs/'.length)]
    if (target === undefined) throw new TypeError(`there is no ${schema.$ref}`)
    return difference(target, value, definitions, at)
  }
  const several = schema.anyOf ?? schema.oneOf
  if (several !== undefined) {
    const found = several.map((one) => difference(one, value, definitions, at))
    // The words of the way that led furthest.
    return found.includes(null)
      ? null
      : (found.toSorted((one, other) => depth(other) - depth(one))[0] ?? null)
  }
  const types = [schema.type ?? []].flat()
  if (types.length > 0 && !types.some((type) => isOf(type, value)))
    return say(`${types.join(' or ')} expected`)
  if (schema.const !== undefined && value !== schema.const) return say(`${schema.const} expected`)
  if (schema.enum !== undefined && !schema.enum.includes(value))
    return say(`one of ${schema.enum.join(', ')} expected`)
  if (typeof value === 'number' && !isWithin(schema, value)) return say('out of range')
  if (typeof value === 'string' && schema.pattern !== undefined && !patternOf(schema.pattern).test(value))
    return say('of another form')
  if (Array.isArray(value)) return differenceOfItems(schema, value, definitions, at)
  if (typeof value === 'object' && value !== null) {
    const fields = value as Record<string, unknown>
    for (const name of schema.required ?? [])
      if (fields[name] === undefined) return `${[...at, name].join('.')}: missing`
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      if (fields[name] === undefined) continue
      const found = difference(field, fields[name], definitions, [...at, name])
      if (found !== null) return found
    }
  }
  return null
}

function differenceOfItems(
  { prefixItems = [], items, minItems = 0, maxItems = Number.POSITIVE_INFINITY }: JsonSchema,
  list: readonly unknown[],
  definitions: Definitions,
  at: readonly (string | number)[],
): string | null {
  if (list.length < minItems || list.length > maxItems)
    return `${at.join('.') || 'answer'}: ${list.length} are not expected`
  for (const [index, item] of list.entries()) {
    const schema = prefixItems[index] ?? items
    const found = schema ? difference(schema, item, definitions, [...at, index]) : null
    if (found !== null) return found
  }
  return null
}

const depth = (words: string | null) => (words ?? '').split(':', 1)[0]?.split('.').length ?? 0

function isOf(type: string, value: unknown): boolean {
  if (type === 'integer') return Number.isSafeInteger(value)
  if (type === 'number') return Number.isFinite(value)
  if (type === 'array') return Array.isArray(value)
  if (type === 'null') return value === null
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  return typeof value === type
}

const isWithin = ({ minimum, maximum, exclusiveMinimum }: JsonSchema, value: number) =>
  value >= (minimum ?? value) && value <= (maximum ?? value) && value > (exclusiveMinimum ?? value - 1)

const patterns = new Map<string, RegExp>()
function patternOf(text: string): RegExp {
  const known = patterns.get(text) ?? new RegExp(text)
  patterns.set(text, known)
  return known
}
