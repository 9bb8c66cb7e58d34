/**
 * Compiles the html templates of a source file to calls of preact's `h` during the build, so that the bundle
 * contains neither the template parser nor whitespace. The parser is htm itself, called with placeholders
 * for the `${}` expressions. Called by build-page.ts.
 */
import htm from 'htm'

/** Returns the source without templates; a source that has none is unchanged. */
export function compileTemplates(source: string): string {
  const imported = "import { html } from 'htm/preact'"
  if (!source.includes(imported)) return source
  return replaceTemplates(source.replace(imported, "import { h } from 'preact'"))
}

/**
 * An expression. htm returns it whole as an attribute value, as its placeholder inside text, and by its only
 * key when spread.
 */
class Expression {
  readonly code: () => string
  readonly placeholder: () => string
  constructor(code: string, index: number) {
    this.code = () => code
    this.placeholder = () => `\uE000${index}\uE000`
    // htm copies the enumerable keys of a spread.
    Object.defineProperties(this, { code: { enumerable: false }, placeholder: { enumerable: false } })
    Object.assign(this, { [spread + index]: this })
  }
  toString(): string {
    return this.placeholder()
  }
}

const spread = '\uE001'

/** The code of an element that htm has created. */
class Element {
  readonly code: string
  constructor(code: string) {
    this.code = code
  }
}

type Props = Record<string, unknown> | null
type CreateElement = (type: unknown, props: Props, ...children: unknown[]) => Element
/** htm's type declarations refer to a module that Node does not resolve. */
const parser = htm as unknown as {
  bind(make: CreateElement): (statics: readonly string[], ...fields: unknown[]) => unknown
}

function replaceTemplates(text: string): string {
  let code = ''
  let position = 0
  for (;;) {
    const start = text.indexOf('html`', position)
    if (start === -1) return code + text.slice(position)
    code += text.slice(position, start)
    const { statics, expressions, end } = readTemplate(text, start + 5)
    code += compile(statics, expressions.map(replaceTemplates))
    position = end
  }
}

function compile(statics: string[], codes: readonly string[]): string {
  const expressions = codes.map((code, index) => new Expression(`(${code.trim()})`, index))
  const literal = (value: unknown): string => {
    if (value instanceof Expression) return value.code()
    if (value instanceof Element) return value.code
    if (typeof value !== 'string') return JSON.stringify(value)
    // An attribute of several pieces, which htm has joined as text.
    const pieces = value.split(/\uE000(\d+)\uE000/)
    if (pieces.length === 1) return JSON.stringify(value)
    return pieces
      .map((piece, index) => (index % 2 ? expressions[Number(piece)]?.code() : JSON.stringify(piece)))
      .join('+')
  }
  const propsCode = (props: Props): string => {
    // Preact treats 0 like null, and it is shorter.
    if (props === null) return '0'
    const propCode = ([name, value]: [string, unknown]) =>
      name.startsWith(spread) ? `...${literal(value)}` : `${JSON.stringify(name)}:${literal(value)}`
    return `{${Object.entries(props).map(propCode)}}`
  }
  const element = (type: unknown, props: Props, ...children: unknown[]) =>
    new Element(`h(${[literal(type), propsCode(props), ...children.map(literal)].join()})`)
  const tree = parser.bind(element)(Object.assign(statics, { raw: statics }), ...expressions)
  return Array.isArray(tree) ? `[${tree.map(literal)}]` : literal(tree)
}

/** Reads a template that starts at `from`: its texts, its expressions, its end. */
function readTemplate(text: string, from: number) {
  const statics: string[] = []
  const expressions: string[] = []
  let start = from
  for (let position = from; position < text.length; position += 1) {
    if (text[position] === '\\')
      throw new Error('a template contains a backslash: write the character itself')
    if (text[position] === '`') {
      statics.push(text.slice(start, position))
      return { statics, expressions, end: position + 1 }
    }
    if (text[position] !== '$' || text[position + 1] !== '{') continue
    const end = endOfExpression(text, position + 2)
    statics.push(text.slice(start, position))
    expressions.push(text.slice(position + 2, end))
    position = end
    start = end + 1
  }
  throw new Error('a template is not terminated')
}

/** The position of the `}` that ends an expression. */
function endOfExpression(text: string, from: number): number {
  let depth = 0
  for (let position = from; position < text.length; position += 1) {
    const char = text[position]
    if (char === "'" || char === '"') position = endOfString(text, position)
    else if (char === '`') position = readTemplate(text, position + 1).end - 1
    else if (char === '/' && text[position + 1] === '/') position = text.indexOf('\n', position)
    else if (char === '{') depth += 1
    else if (char === '}' && depth-- === 0) return position
  }
  throw new Error('an expression is not terminated')
}

function endOfString(text: string, from: number): number {
  for (let position = from + 1; position < text.length; position += 1) {
    if (text[position] === '\\') position += 1
    else if (text[position] === text[from]) return position
  }
  throw new Error('a string is not terminated')
}
