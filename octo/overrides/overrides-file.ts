/**
 * A file of overrides (`-f overrides.yaml`) turned into overrides. Values are taken as they are written: `1.10` stays
 * `1.10`. Called by overrides.ts; brings the YAML parser along.
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

const exampleText = `It looks like this:
app:
  image.tag: v2
  image: { pull: always }   # the same as image.pull
  debug: null               # takes a default away
deployment:
  replicas: 2`

/** Throws a Failure of kind `usage`. Values are never repeated in its words. */
export function parseOverridesFile(path: string, text: string): ByLevel<Override[]> {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter, prettyErrors: false, stringKeys: true })
  const location = (node: unknown) => {
    const offset = (node as { range?: [number, number, number] } | null)?.range?.[0]
    return offset === undefined ? path : `${path}:${lineCounter.linePos(offset).line}`
  }
  const fail = (position: string, problem: string): never => {
    throw new CliError('usage', `${position}: ${problem}`, exampleText)
  }
  const [error] = document.errors
  if (error !== undefined)
    fail(`${path}:${lineCounter.linePos(error.pos[0]).line}`, 'this is not YAML or JSON.')

  const readNode = (node: Node | null | undefined, prefix: string): Override[] => {
    const target = isAlias(node) ? node.resolve(document) : node
    if (isMap<Scalar<string>, Node | null>(target)) {
      return target.items.flatMap(({ key, value }) => {
        const name = normalizeKey(prefix === '' ? key.value : `${prefix}.${key.value}`)
        const problem = configKeyError(name)
        return problem === null ? readNode(value, name) : fail(location(key), problem)
      })
    }
    if (prefix === '' || (target && !isScalar(target))) {
      return fail(
        location(target),
        prefix === '' ? 'a map of keys is needed.' : `${prefix} is a list: a value is text.`,
      )
    }
    const value = isScalar(target) ? scalarText(target) : null
    if (value === null) return [valueDeleted(prefix)]
    const problem = configValueError(prefix, value)
    return problem === null ? [valueAdded(prefix, value)] : fail(location(target), problem)
  }

  const levels: ByLevel<Override[]> = { application: [], deployment: [] }
  const root = document.contents
  if (root === null) return levels
  if (!isMap<Scalar<string>, Node | null>(root))
    return fail(location(root), 'a map of app and deployment is needed.')
  for (const { key, value } of root.items) {
    const level = levelFromName(key.value)
    if (level === null) {
      return fail(location(key), `"${key.value.slice(0, 40)}" is neither app nor deployment.`)
    }
    if (value !== null && !(isScalar(value) && value.value === null)) levels[level] = readNode(value, '')
  }
  return levels
}

/** Null for `null`, `~` and nothing; quoted text is text, whatever it looks like. */
function scalarText(scalar: Scalar): string | null {
  if (scalar.value === null) return null
  return typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? String(scalar.value))
}
