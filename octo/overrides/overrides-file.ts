/**
 * Parses a file of overrides (`-f overrides.yaml`). Values stay as they are written: `1.10` remains `1.10`. Loaded by
 * parse-overrides.ts when it is needed, because the YAML parser is slow to load.
 */
import { isAlias, isMap, isScalar, LineCounter, type Node, parseDocument, type Scalar } from 'yaml'
import {
  type ByLevel,
  configKeyError,
  configValueError,
  normalizeKey,
  type Override,
  valueAdded,
  valueDeleted,
} from '../../domain/overrides.ts'
import { CliError } from '../errors/cli-error.ts'
import { levelFromName } from './level-names.ts'

const exampleText = `Example:
app:
  image.tag: v2
  image: { pull: always }   # the same as image.pull
  debug: null               # removes a default
deployment:
  replicas: 2`

/** Throws a CliError of kind `usage`. Its message contains no values, because they may be secret. */
export function parseOverridesFile(path: string, text: string): ByLevel<Override[]> {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter, prettyErrors: false, stringKeys: true })
  const location = (node: unknown) => {
    const offset = (node as { range?: [number, number, number] } | null)?.range?.[0]
    return offset === undefined ? path : `${path}:${lineCounter.linePos(offset).line}`
  }
  const fail = (position: string, message: string): never => {
    throw new CliError('usage', `${position}: ${message}`, exampleText)
  }
  const [error] = document.errors
  if (error !== undefined)
    fail(`${path}:${lineCounter.linePos(error.pos[0]).line}`, 'this is neither YAML nor JSON.')

  const readNode = (node: Node | null | undefined, prefix: string): Override[] => {
    const target = isAlias(node) ? node.resolve(document) : node
    if (isMap<Scalar<string>, Node | null>(target)) {
      return target.items.flatMap(({ key, value }) => {
        const name = normalizeKey(prefix === '' ? key.value : `${prefix}.${key.value}`)
        const keyError = configKeyError(name)
        return keyError === null ? readNode(value, name) : fail(location(key), keyError)
      })
    }
    if (prefix === '' || (target && !isScalar(target))) {
      return fail(
        location(target),
        prefix === '' ? 'expected a map of keys.' : `${prefix} is a list, but a value must be text.`,
      )
    }
    const value = isScalar(target) ? scalarText(target) : null
    if (value === null) return [valueDeleted(prefix)]
    const valueError = configValueError(prefix, value)
    return valueError === null ? [valueAdded(prefix, value)] : fail(location(target), valueError)
  }

  const levels: ByLevel<Override[]> = { application: [], deployment: [] }
  const root = document.contents
  if (root === null) return levels
  if (!isMap<Scalar<string>, Node | null>(root))
    return fail(location(root), 'expected a map with app and deployment.')
  for (const { key, value } of root.items) {
    const level = levelFromName(key.value)
    if (level === null) {
      return fail(location(key), `"${key.value.slice(0, 40)}" is neither app nor deployment.`)
    }
    if (value !== null && !(isScalar(value) && value.value === null)) levels[level] = readNode(value, '')
  }
  return levels
}

/** Null for `null`, `~` and an empty value; quoted text is always text. */
function scalarText(scalar: Scalar): string | null {
  if (scalar.value === null) return null
  return typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? String(scalar.value))
}
