/**
 * A file of overrides (`-f overrides.yaml`) turned into overrides. Values are taken as they are written: `1.10` stays
 * `1.10`. Called by overrides.ts; brings the YAML parser along.
 */
import { isAlias, isMap, isScalar, LineCounter, type Node, parseDocument, type Scalar } from 'yaml'
import { added, keyProblem, normaliseKey, type Override, removed, valueProblem } from '../domain/overrides.ts'
import { Failure } from './failure.ts'

export type Levels = { app: Override[]; deployment: Override[] }

const form = `It looks like this:
app:
  image.tag: v2
  image: { pull: always }   # the same as image.pull
  debug: null               # takes a default away
deployment:
  replicas: 2`

/** Throws a Failure of kind `usage`. Values are never repeated in its words. */
export function readOverridesFile(path: string, text: string): Levels {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true })
  const where = (node: unknown) => {
    const offset = (node as { range?: [number, number, number] } | null)?.range?.[0]
    return offset === undefined ? path : `${path}:${lines.linePos(offset).line}`
  }
  const fail = (at: string, problem: string): never => {
    throw new Failure('usage', `${at}: ${problem}`, form)
  }
  const [error] = document.errors
  if (error !== undefined) fail(`${path}:${lines.linePos(error.pos[0]).line}`, 'this is not YAML or JSON.')

  const read = (node: Node | null | undefined, above: string): Override[] => {
    const target = isAlias(node) ? node.resolve(document) : node
    if (isMap<Scalar<string>, Node | null>(target)) {
      return target.items.flatMap(({ key, value }) => {
        const name = normaliseKey(above === '' ? key.value : `${above}.${key.value}`)
        const problem = keyProblem(name)
        return problem === null ? read(value, name) : fail(where(key), problem)
      })
    }
    if (above === '' || (target && !isScalar(target))) {
      return fail(
        where(target),
        above === '' ? 'a map of keys is needed.' : `${above} is a list: a value is text.`,
      )
    }
    const value = isScalar(target) ? textOf(target) : null
    if (value === null) return [removed(above)]
    const problem = valueProblem(above, value)
    return problem === null ? [added(above, value)] : fail(where(target), problem)
  }

  const levels: Levels = { app: [], deployment: [] }
  const top = document.contents
  if (top === null) return levels
  if (!isMap<Scalar<string>, Node | null>(top))
    return fail(where(top), 'a map of app and deployment is needed.')
  for (const { key, value } of top.items) {
    const level = key.value
    if (level !== 'app' && level !== 'deployment') {
      return fail(where(key), `"${level.slice(0, 40)}" is neither app nor deployment.`)
    }
    if (value !== null && !(isScalar(value) && value.value === null)) levels[level] = read(value, '')
  }
  return levels
}

/** Null for `null`, `~` and nothing; quoted text is text, whatever it looks like. */
function textOf(scalar: Scalar): string | null {
  if (scalar.value === null) return null
  return typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? String(scalar.value))
}
