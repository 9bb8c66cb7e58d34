/**
 * A flat config of dotted keys as the nested values of a chart: `image.tag`, `hosts[0].name`, `a\.b` for a key with a dot.
 * A value is taken whole, whatever it holds, and typed as `helm --set` types it: true, false, null and whole numbers; all
 * else is text. Pure.
 */
import { Refusal } from './arguments.mjs'

const deepest = 30
const greatestIndex = 1000
const least = -(2n ** 63n)
const most = 2n ** 63n - 1n
/** From here on a chart's text would show a number of a values file as 1e+06. */
const shownWhole = 1_000_000n

/**
 * → a tree of Map, array and scalar. `isNumberAt(steps)`: whether the chart's own default there is a number; a great whole
 * number elsewhere, like the tag 20260101, becomes text, so that charts show it as it was typed.
 * @throws Refusal that names the key
 */
export function treeOf(pairs, isNumberAt = () => false) {
  const root = new Map()
  for (const [key, text] of pairs) {
    const steps = stepsOf(key)
    put(
      root,
      steps,
      scalarOf(text, () => isNumberAt(steps)),
      key,
    )
  }
  return root
}

/** `a.b[2]` → ['a', 'b', 2]. @throws Refusal */
export function stepsOf(key) {
  const wrong = (why) => new Refusal(`The key ${shown(key)} cannot be used: ${why}.`)
  const steps = []
  for (const part of key.split(/(?<=(?:^|[^\\])(?:\\\\)*)\./)) {
    const [, name, indexes] = /^((?:\\.|[^\\[\]])*)((?:\[\d+\])*)$/s.exec(part) ?? []
    if (name === undefined)
      throw wrong('an index is a whole number in brackets at the end of a part, like hosts[0]')
    if (name === '' && (indexes === '' || steps.length === 0)) throw wrong('a part of it is empty')
    if (name !== '') steps.push(name.replace(/\\(.)/gs, '$1'))
    for (const [, index] of indexes.matchAll(/\[(\d+)\]/g)) {
      if (Number(index) > greatestIndex) throw wrong(`an index may be ${greatestIndex} at most`)
      steps.push(Number(index))
    }
  }
  if (steps.length > deepest) throw wrong(`it has more than ${deepest} parts`)
  return steps
}

/** The other way round: the key that leads to a place in the values. */
export function keyOf(steps) {
  return steps
    .map((step, at) => {
      if (typeof step === 'number') return `[${step}]`
      return `${at > 0 ? '.' : ''}${step.replace(/[\\.[\]]/g, '\\$&')}`
    })
    .join('')
}

/** As helm types what stands behind `--set KEY=`. */
export function scalarOf(text, isNumber = () => false) {
  const word = text.toLowerCase()
  if (word === 'true' || word === 'false') return word === 'true'
  if (word === 'null') return null
  const number = /^(0|[+-]?[1-9]\d*|[+-]0\d*)$/.test(text) ? BigInt(text.replace('+', '')) : undefined
  if (number === undefined || number < least || number > most) return text
  const isGreat = number >= shownWhole || number <= -shownWhole
  return isGreat && !isNumber() ? text : number
}

/** The tree as JSON that YAML 1.1 reads the same: in plain ASCII, whatever the values hold. */
export function valuesText(node) {
  if (node instanceof Map)
    return `{${[...node].map(([key, value]) => `${quoted(key)}: ${valuesText(value)}`).join(', ')}}`
  if (Array.isArray(node)) return `[${Array.from(node, (each) => valuesText(each ?? null)).join(', ')}]`
  return typeof node === 'string' ? quoted(node) : String(node)
}

function put(root, steps, value, key) {
  let at = root
  for (const [depth, step] of steps.entries()) {
    const isList = typeof step === 'number'
    if (isList !== Array.isArray(at) || !(at instanceof Map || Array.isArray(at)))
      throw new Refusal(
        `The key ${shown(key)} contradicts another one: ${shown(keyOf(steps.slice(0, depth)))} is both a value and more.`,
      )
    const isLast = depth === steps.length - 1
    const below = isList ? at[step] : at.get(step)
    if (isLast && (below instanceof Map || Array.isArray(below)))
      throw new Refusal(`The key ${shown(key)} contradicts another one that goes on where it ends.`)
    const next = isLast ? value : (below ?? (typeof steps[depth + 1] === 'number' ? [] : new Map()))
    if (isList) at[step] = next
    else at.set(step, next)
    at = next
  }
}

function quoted(text) {
  const escaped = text.replace(/[\\"]|[^ -~]/gu, (character) => {
    const code = character.codePointAt(0)
    if (code < 0x80 && code > 0x1f && code !== 0x7f) return `\\${character}`
    return code > 0xffff
      ? `\\U${code.toString(16).padStart(8, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`
  })
  return `"${escaped}"`
}

const shown = (text) => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
