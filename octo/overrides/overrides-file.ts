/**
 * Parses a file of overrides (`-f overrides.yaml`), and the deployments of `octo apply -f`. Values stay as they are written:
 * `1.10` remains `1.10`. Loaded by parse-overrides.ts and commands/apply.ts when it is needed, because the YAML parser is
 * slow to load.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  parseAllDocuments,
  parseDocument,
  type Scalar,
} from 'yaml'
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

const applyExampleText = `Example:
name: feature-1
title: New search
labels: { team: shop }
app:
  image.tag: v2
---
name: feature-2`

/** A deployment of `octo apply -f`. `position`: file and line, for messages. */
export type ApplyEntry = {
  name: string
  position: string
  overrides: ByLevel<Override[]>
  labels: Record<string, string> | undefined
  title: string | undefined
}

/** Throws a CliError of kind `usage`. Its message contains no values, because they may be secret. */
export function parseOverridesFile(path: string, text: string): ByLevel<Override[]> {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter, prettyErrors: false, stringKeys: true })
  const reader = createReader(path, lineCounter, exampleText)
  const isOfDeployments =
    document.errors.some(({ code }) => code === 'MULTIPLE_DOCS') ||
    (isMap(document.contents) && document.has('name'))
  if (isOfDeployments)
    throw new CliError(
      'usage',
      `${path}: this is a file of deployments, not of overrides.`,
      'octo apply -f reads it, and shows with --dry-run what would change.',
    )
  const levels: ByLevel<Override[]> = { application: [], deployment: [] }
  for (const { key, value } of reader.rootItems(document, 'app and deployment')) {
    const level = levelFromName(key.value)
    if (level === null) {
      return reader.fail(key, `"${key.value.slice(0, 40)}" is neither app nor deployment.`)
    }
    levels[level] = reader.overrides(document, value)
  }
  return levels
}

/** `problems`: of all documents, in their order. The entries count only without any. */
type ApplyFile = { entries: ApplyEntry[]; problems: CliError[] }

/** One deployment for each document. */
export function parseApplyFile(path: string, text: string): ApplyFile {
  const lineCounter = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter, prettyErrors: false, stringKeys: true })
  const reader = createReader(path, lineCounter, applyExampleText)
  const problems: CliError[] = []
  const collect = (read: () => void) => {
    try {
      read()
    } catch (error) {
      if (!(error instanceof CliError)) throw error
      problems.push(error)
    }
  }
  const entries: ApplyEntry[] = []
  for (const document of Array.isArray(documents) ? documents : [])
    collect(() => {
      const items = reader.rootItems(document, 'name, app and deployment')
      if (items.length === 0) return
      const entry: ApplyEntry = {
        name: '',
        position: reader.position(document.contents),
        overrides: { application: [], deployment: [] },
        labels: undefined,
        title: undefined,
      }
      for (const item of items) collect(() => reader.applyItem(document, item, entry))
      entries.push(entry)
    })
  return { entries, problems }
}

type Item = { key: Scalar<string>; value: Node | null }

function createReader(path: string, lineCounter: LineCounter, example: string) {
  const position = (node: unknown) => {
    const offset = (node as { range?: [number, number, number] } | null)?.range?.[0]
    return offset === undefined ? path : `${path}:${lineCounter.linePos(offset).line}`
  }
  const fail = (node: unknown, message: string): never => {
    throw new CliError('usage', `${position(node)}: ${message}`, example)
  }
  const text = (key: Scalar<string>, value: Node | null): string =>
    (isScalar(value) ? scalarText(value) : null) ?? fail(key, `${key.value} needs a text.`)

  const readNode = (document: Document, node: Node | null | undefined, prefix: string): Override[] => {
    const target = isAlias(node) ? node.resolve(document) : node
    if (isMap<Scalar<string>, Node | null>(target)) {
      return target.items.flatMap(({ key, value }) => {
        const name = normalizeKey(prefix === '' ? key.value : `${prefix}.${key.value}`)
        const keyError = configKeyError(name)
        return keyError === null ? readNode(document, value, name) : fail(key, keyError)
      })
    }
    if (prefix === '' || (target && !isScalar(target))) {
      return fail(
        target,
        prefix === '' ? 'expected a map of keys.' : `${prefix} is a list, but a value must be text.`,
      )
    }
    const value = isScalar(target) ? scalarText(target) : null
    if (value === null) return [valueDeleted(prefix)]
    const valueError = configValueError(prefix, value)
    return valueError === null ? [valueAdded(prefix, value)] : fail(target, valueError)
  }

  const texts = (key: Scalar<string>, value: Node | null): Record<string, string> => {
    if (!isMap<Scalar<string>, Node | null>(value)) return fail(key, `${key.value} needs a map.`)
    return Object.fromEntries(value.items.map((item) => [item.key.value, text(item.key, item.value)]))
  }
  const overrides = (document: Document, value: Node | null): Override[] =>
    value === null || (isScalar(value) && value.value === null) ? [] : readNode(document, value, '')

  return {
    position,
    fail,
    overrides,
    /** Puts what the item says into the entry. */
    applyItem(document: Document, { key, value }: Item, entry: ApplyEntry): void {
      const level = levelFromName(key.value)
      if (level !== null) entry.overrides[level] = overrides(document, value)
      else if (key.value === 'name') entry.name = text(key, value)
      else if (key.value === 'title') entry.title = text(key, value)
      else if (key.value === 'labels') entry.labels = texts(key, value)
      else fail(key, `"${key.value.slice(0, 40)}" is none of name, title, labels, app and deployment.`)
    },
    /** The items of a document; none of an empty one. */
    rootItems(document: Document, expected: string): readonly Item[] {
      const [error] = document.errors
      if (error !== undefined) return fail({ range: error.pos }, 'this is neither YAML nor JSON.')
      const root = document.contents as Node | null
      if (root === null || (isScalar(root) && root.value === null)) return []
      if (!isMap<Scalar<string>, Node | null>(root)) return fail(root, `expected a map with ${expected}.`)
      return root.items as Item[]
    },
  }
}

/** Null for `null`, `~` and an empty value; quoted text is always text. */
function scalarText(scalar: Scalar): string | null {
  if (scalar.value === null) return null
  return typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? String(scalar.value))
}
