/**
 * Turns the html templates of a source into plain calls of preact's `h`, while build.ts bundles: the browser gets
 * neither the parser of templates nor their blanks. The parser is htm itself, asked with placeholders for what stands in `${}`.
 */
import htm from 'htm'

/** A source without templates; one that has none stays as it is. */
export function compileTemplates(source: string): string {
  const imported = "import { html } from 'htm/preact'"
  if (!source.includes(imported)) return source
  return replaceTemplates(source.replace(imported, "import { h } from 'preact'"))
}

/** As an attribute's value it is seen whole, in a text by its mark, spread among attributes by its one key. */
class Expression {
  readonly code: () => string
  readonly placeholder: () => string
  constructor(code: string, at: number) {
    this.code = () => code
    this.placeholder = () => `\uE000${at}\uE000`
    // What htm copies when it is spread.
    Object.defineProperties(this, { code: { enumerable: false }, placeholder: { enumerable: false } })
    Object.assign(this, { [spread + at]: this })
  }
  toString(): string {
    return this.placeholder()
  }
}

const spread = '\uE001'

/** The code of an element that htm has put together. */
class Element {
  readonly code: string
  constructor(code: string) {
    this.code = code
  }
}

type Props = Record<string, unknown> | null
type CreateElement = (type: unknown, props: Props, ...children: unknown[]) => Element
/** Its own types speak of a module that Node does not see. */
const parser = htm as unknown as {
  bind(make: CreateElement): (statics: readonly string[], ...fields: unknown[]) => unknown
}

function replaceTemplates(text: string): string {
  let code = ''
  let at = 0
  for (;;) {
    const start = text.indexOf('html`', at)
    if (start === -1) return code + text.slice(at)
    code += text.slice(at, start)
    const { statics, expressions, end } = readTemplate(text, start + 5)
    code += compile(statics, expressions.map(replaceTemplates))
    at = end
  }
}

function compile(statics: string[], codes: readonly string[]): string {
  const expressions = codes.map((code, at) => new Expression(`(${code.trim()})`, at))
  const literal = (value: unknown): string => {
    if (value instanceof Expression) return value.code()
    if (value instanceof Element) return value.code
    if (typeof value !== 'string') return JSON.stringify(value)
    // An attribute of several pieces: htm has put them together as text.
    const pieces = value.split(/\uE000(\d+)\uE000/)
    if (pieces.length === 1) return JSON.stringify(value)
    return pieces
      .map((piece, at) => (at % 2 ? expressions[Number(piece)]?.code() : JSON.stringify(piece)))
      .join('+')
  }
  const propsCode = (props: Props): string => {
    // As good as null for preact, and shorter.
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

/** What stands between the back quotes that begin before `from`: the texts, the expressions, where it ends. */
function readTemplate(text: string, from: number) {
  const statics: string[] = []
  const expressions: string[] = []
  let start = from
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '\\') throw new Error('a template with a backslash: write the character itself')
    if (text[at] === '`') {
      statics.push(text.slice(start, at))
      return { statics, expressions, end: at + 1 }
    }
    if (text[at] !== '$' || text[at + 1] !== '{') continue
    const end = endOfExpression(text, at + 2)
    statics.push(text.slice(start, at))
    expressions.push(text.slice(at + 2, end))
    at = end
    start = end + 1
  }
  throw new Error('a template without its end')
}

/** Where the `}` is that closes an expression. */
function endOfExpression(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at += 1) {
    const char = text[at]
    if (char === "'" || char === '"') at = endOfString(text, at)
    else if (char === '`') at = readTemplate(text, at + 1).end - 1
    else if (char === '/' && text[at + 1] === '/') at = text.indexOf('\n', at)
    else if (char === '{') depth += 1
    else if (char === '}' && depth-- === 0) return at
  }
  throw new Error('an expression without its end')
}

function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1
    else if (text[at] === text[from]) return at
  }
  throw new Error('a string without its end')
}
