/**
 * Lists the keys of a chart's own values, and which of them are numbers. Called by application_config_keys and
 * release.mjs.
 */
import { getOrCompute } from '../../lib/cache.mjs'
import { formatKey, parseScalar } from '../../lib/values.mjs'
import { readDocuments } from '../../lib/yaml.mjs'
import { helm } from './helm.mjs'

const keysFreshMs = 24 * 60 * 60 * 1000

/** → [[key, isNumber], …] for every leaf. `id` changes when the chart changes. */
export function chartKeys(path, id) {
  return getOrCompute('keys', id, { freshMs: keysFreshMs }, async () => {
    const [values = {}] = await readDocuments(
      await helm(['show', 'values', path]),
      'values.yaml of the chart',
    )
    return leafKeys(values, [])
  })
}

/** → the `isNumberAt` argument of buildValuesTree. Reads the chart only if a value is a large whole number. */
export async function isNumberByDefault(pairs, path, id) {
  const isLarge = ([, text]) =>
    typeof parseScalar(text, () => true) === 'bigint' && typeof parseScalar(text) !== 'bigint'
  if (![...pairs].some(isLarge)) return () => false
  const numbers = new Set((await chartKeys(path, id)).filter(([, isNumber]) => isNumber).map(([key]) => key))
  return (steps) => numbers.has(formatKey(steps))
}

/** An empty map or list is a leaf, because entries can be added to it. */
function leafKeys(value, steps) {
  const children = Array.isArray(value)
    ? value.map((child, index) => [index, child])
    : value !== null && typeof value === 'object'
      ? Object.entries(value)
      : []
  if (children.length > 0) return children.flatMap(([step, child]) => leafKeys(child, [...steps, step]))
  return steps.length === 0 ? [] : [[formatKey(steps), typeof value === 'number']]
}
