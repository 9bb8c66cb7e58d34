/** The keys that a chart's own values have, to full depth; and which of its defaults are numbers. */
import { remembered } from '../../lib/cache.mjs'
import { keyOf, scalarOf } from '../../lib/values.mjs'
import { readDocuments } from '../../lib/yaml.mjs'
import { helm } from './helm.mjs'

const keptMs = 24 * 60 * 60 * 1000

/** → [[key, isNumber], …] of every leaf. `id` changes when the chart does. */
export function chartKeys(path, id) {
  return remembered('keys', id, { freshMs: keptMs }, async () => {
    const [values = {}] = await readDocuments(
      await helm(['show', 'values', path]),
      'values.yaml of the chart',
    )
    return leaves(values, [])
  })
}

/** A function for treeOf; the chart is asked only when a value is a great whole number. */
export async function isNumberByDefault(pairs, path, id) {
  const isGreat = ([, text]) =>
    typeof scalarOf(text, () => true) === 'bigint' && typeof scalarOf(text) !== 'bigint'
  if (![...pairs].some(isGreat)) return () => false
  const numbers = new Set((await chartKeys(path, id)).filter(([, isNumber]) => isNumber).map(([key]) => key))
  return (steps) => numbers.has(keyOf(steps))
}

/** A map or list without entries is a leaf: something may be put in. */
function leaves(value, steps) {
  const below = Array.isArray(value)
    ? value.map((each, index) => [index, each])
    : value !== null && typeof value === 'object'
      ? Object.entries(value)
      : []
  if (below.length > 0) return below.flatMap(([step, each]) => leaves(each, [...steps, step]))
  return steps.length === 0 ? [] : [[keyOf(steps), typeof value === 'number']]
}
