/**
 * Converts a flat config with dotted keys into the nested values of a chart: `image.tag`, `hosts[0].name`, `a\.b` for a
 * key with a dot. Values are used literally. Where the chart's own default is text, so is the value. Elsewhere the types
 * follow `helm --set`: true, false, null and whole numbers; everything else is text. Pure.
 */
import { UserError } from './arguments.mjs'

const maxDepth = 30
const maxIndex = 1000
const minInt64 = -(2n ** 63n)
const maxInt64 = 2n ** 63n - 1n
/** Charts print numbers from here on as 1e+06. */
const minLargeNumber = 1_000_000n

/**
 * → a tree of Map, array and scalar. `typeAt(steps)`: the type of the chart's own default there, `text`, `number` or
 * undefined.
 * @throws UserError that names the key
 */
export function buildValuesTree(pairs, typeAt = () => undefined) {
  const root = new Map()
  for (const [key, text] of pairs) {
    const steps = parseKey(key)
    setAt(root, steps, parseScalar(text, typeAt(steps)), key)
  }
  return root
}

/** `a.b[2]` → ['a', 'b', 2]. @throws UserError */
export function parseKey(key) {
  const invalid = (reason) => new UserError(`The key ${quoteShort(key)} cannot be used: ${reason}.`)
  const steps = []
  for (const part of key.split(/(?<=(?:^|[^\\])(?:\\\\)*)\./)) {
    const [, name, indexes] = /^((?:\\.|[^\\[\]])*)((?:\[\d+\])*)$/s.exec(part) ?? []
    if (name === undefined)
      throw invalid('an index must be a whole number in brackets at the end of a part, like hosts[0]')
    if (name === '' && (indexes === '' || steps.length === 0)) throw invalid('it has an empty part')
    if (name !== '') steps.push(name.replace(/\\(.)/gs, '$1'))
    for (const [, index] of indexes.matchAll(/\[(\d+)\]/g)) {
      if (Number(index) > maxIndex) throw invalid(`an index must be at most ${maxIndex}`)
      steps.push(Number(index))
    }
  }
  if (steps.length > maxDepth) throw invalid(`it has more than ${maxDepth} parts`)
  return steps
}

/** The inverse of parseKey. */
export function formatKey(steps) {
  return steps
    .map((step, position) => {
      if (typeof step === 'number') return `[${step}]`
      return `${position > 0 ? '.' : ''}${step.replace(/[\\.[\]]/g, '\\$&')}`
    })
    .join('')
}

/**
 * Parses a value with the types of `helm --set KEY=VALUE`. `!!str true` is always the text true, and `!!null` removes a
 * default, as in YAML. `type`: that of the default, `text`, `number` or undefined. Without a number there, a large whole
 * number, like the tag 20260101, becomes text, so that charts print it unchanged.
 */
export function parseScalar(text, type) {
  if (text === '!!null') return null
  const [, tagged] = /^!!str(?: (.*))?$/s.exec(text) ?? []
  if (tagged !== undefined || text === '!!str') return tagged ?? ''
  if (type === 'text') return text
  const word = text.toLowerCase()
  if (word === 'true' || word === 'false') return word === 'true'
  if (word === 'null') return null
  const number = /^(0|[+-]?[1-9]\d*|[+-]0\d*)$/.test(text) ? BigInt(text.replace('+', '')) : undefined
  if (number === undefined || number < minInt64 || number > maxInt64) return text
  const isLarge = number >= minLargeNumber || number <= -minLargeNumber
  return isLarge && type !== 'number' ? text : number
}

/** Writes the tree as ASCII JSON, which a YAML 1.1 parser reads without changes. */
export function formatValues(node) {
  if (node instanceof Map)
    return `{${[...node].map(([key, value]) => `${quoteYaml(key)}: ${formatValues(value)}`).join(', ')}}`
  if (Array.isArray(node)) return `[${Array.from(node, (child) => formatValues(child ?? null)).join(', ')}]`
  return typeof node === 'string' ? quoteYaml(node) : String(node)
}

function setAt(root, steps, value, key) {
  let node = root
  for (const [depth, step] of steps.entries()) {
    const isList = typeof step === 'number'
    if (isList !== Array.isArray(node) || !(node instanceof Map || Array.isArray(node)))
      throw new UserError(
        `The key ${quoteShort(key)} contradicts another key: ${quoteShort(formatKey(steps.slice(0, depth)))} cannot be a value and a parent at once.`,
      )
    const isLast = depth === steps.length - 1
    const child = isList ? node[step] : node.get(step)
    if (isLast && (child instanceof Map || Array.isArray(child)))
      throw new UserError(`The key ${quoteShort(key)} contradicts another key that continues below it.`)
    const next = isLast ? value : (child ?? (typeof steps[depth + 1] === 'number' ? [] : new Map()))
    if (isList) node[step] = next
    else node.set(step, next)
    node = next
  }
}

function quoteYaml(text) {
  const escaped = text.replace(/[\\"]|[^ -~]/gu, (character) => {
    const code = character.codePointAt(0)
    if (code < 0x80 && code > 0x1f && code !== 0x7f) return `\\${character}`
    return code > 0xffff
      ? `\\U${code.toString(16).padStart(8, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`
  })
  return `"${escaped}"`
}

const quoteShort = (text) => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
