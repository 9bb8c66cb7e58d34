/**
 * Lists the keys of a chart's values and of its subcharts, with the types of their defaults. Called by
 * application_config_keys and release.mjs.
 */
import { getOrCompute } from '../../lib/cache.mjs'
import { formatKey, parseScalar } from '../../lib/values.mjs'
import { readDocuments } from '../../lib/yaml.mjs'
import { readAllValues, readChartFile, withChartFolder } from './chart-files.mjs'

const keysFreshMs = 24 * 60 * 60 * 1000
/** Kubernetes accepts only text in maps with these names, so a value below them is text. */
const textMap = /(?:annotations|labels|nodeselector)$/i

/**
 * → [[key, type], …] for every leaf, sorted. `type`: number, text, other. `id` changes when the chart changes;
 * `valuesFiles`: files of the chart that are used on top of its values.
 */
export function chartKeys(path, id, valuesFiles = []) {
  return getOrCompute('keys', [id, valuesFiles], { freshMs: keysFreshMs }, async () => {
    const types = new Map()
    const add = (prefix, values) => {
      // Values below `global` are the same for all charts.
      for (const [steps, type] of leafTypes(values, []))
        types.set(formatKey(steps[0] === 'global' ? steps : [...prefix, ...steps]), type)
    }
    for (const [prefix, values] of await readAllValues(path)) add(prefix, values)
    if (valuesFiles.length > 0)
      await withChartFolder(path, async (folder) => {
        for (const name of valuesFiles) {
          const [values = {}] = await readDocuments(readChartFile(folder, name), name)
          add([], values)
        }
      })
    // An empty map is no leaf if another chart adds keys to it.
    const keys = [...types.keys()].sort()
    const isParent = (key) => keys.some((other) => other.startsWith(`${key}.`) || other.startsWith(`${key}[`))
    return keys
      .filter((key) => types.get(key) !== 'other' || !isParent(key))
      .map((key) => [key, types.get(key)])
  })
}

/** → the `typeAt` argument of buildValuesTree. Reads the chart only if a value could be something else than text. */
export async function typesByDefault(pairs, path, id, valuesFiles) {
  if (![...pairs].some(([, text]) => typeof parseScalar(text, 'number') !== 'string')) return () => undefined
  const types = new Map(await chartKeys(path, id, valuesFiles))
  return (steps) => {
    const type = types.get(formatKey(steps))
    if (type !== undefined && type !== 'other') return type
    const isInTextMap = steps.slice(0, -1).some((step) => typeof step === 'string' && textMap.test(step))
    return isInTextMap && type === undefined ? 'text' : undefined
  }
}

/** An empty map or list is a leaf, because entries can be added to it. */
function leafTypes(value, steps) {
  const children = Array.isArray(value)
    ? value.map((child, index) => [index, child])
    : value !== null && typeof value === 'object'
      ? Object.entries(value)
      : []
  if (children.length > 0) return children.flatMap(([step, child]) => leafTypes(child, [...steps, step]))
  return steps.length === 0 ? [] : [[steps, typeOf(value)]]
}

function typeOf(value) {
  if (typeof value === 'number' || typeof value === 'bigint') return 'number'
  return typeof value === 'string' ? 'text' : 'other'
}
