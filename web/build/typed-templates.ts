/**
 * Rewrites the html templates of a source file to calls of typed functions, so that TypeScript checks tag names, attributes and
 * the props of components. Only for the check; the page parses its templates with htm. The parser here is htm too, called with
 * placeholders for the `${}` expressions. Called by check-templates.ts.
 */
import { join, relative } from 'node:path'
import htm from 'htm'
import {
  type DiagnosticMessageChain,
  Node,
  type Project,
  type SourceFile,
  SyntaxKind,
  type TaggedTemplateExpression,
} from 'ts-morph'

/** The problems of the project with its templates rewritten: file, line and message. */
export function checkTemplates(project: Project, root: string): string[] {
  const pathOfCalls = join(root, 'web/typed-calls.ts')
  project.createSourceFile(pathOfCalls, typedCalls)
  const rewritten = project.getSourceFiles().flatMap((file) => {
    const text = toTypedCalls(file, pathOfCalls)
    return text === null ? [] : [{ file, text }]
  })
  for (const { file, text } of rewritten) file.replaceWithText(text)
  return project.getPreEmitDiagnostics().map((diagnostic) => {
    const path = diagnostic.getSourceFile()?.getFilePath() ?? root
    const message = diagnostic.getMessageText()
    const text = typeof message === 'string' ? message : textOf(message)
    return `${relative(root, path)}:${diagnostic.getLineNumber() ?? 1}: ${text}`
  })
}

function textOf(chain: DiagnosticMessageChain): string {
  const more = (chain.getNext() ?? []).map((next) => `  ${textOf(next)}`)
  return [chain.getMessageText(), ...more].join('\n')
}

/** The functions that the rewritten code calls. `data-` attributes are the author's own. */
const typedCalls = `
import type { Attributes, Component, ComponentChildren, JSX, VNode } from 'preact'
type Data = { [name: \`data-\${string}\`]: unknown }
type ComponentOf<P> = ((props: P) => ComponentChildren) | (new (props: P) => Component<P, any>)
export declare function element<K extends keyof JSX.IntrinsicElements>(type: K, props: JSX.IntrinsicElements[K] & Data): VNode
export declare function component<P>(type: ComponentOf<P>, props: NoInfer<P> & Attributes): VNode
export declare const number: any
export declare function nodes(all: ComponentChildren): VNode
`

/** Returns null for a file without templates. Every expression stays on its line. */
function toTypedCalls(source: SourceFile, pathOfCalls: string): string | null {
  const templates = outermostTemplates(source)
  if (templates.length === 0) return null
  const names = ['component', 'element', 'nodes', 'number']
  const imports = `import { ${names.map((name) => `${name} as _${name}`)} } from '${pathOfCalls}';`
  const uses = `void [html, ${names.map((name) => `_${name}`)}]`
  return `${imports}${replaceTemplates(source, templates)}\n${uses}\n`
}

function outermostTemplates(node: Node): TaggedTemplateExpression[] {
  const found: TaggedTemplateExpression[] = []
  node.forEachDescendant((child, traversal) => {
    if (!Node.isTaggedTemplateExpression(child) || child.getTag().getText() !== 'html') return
    found.push(child)
    traversal.skip()
  })
  return found
}

function replaceTemplates(node: Node, templates: readonly TaggedTemplateExpression[]): string {
  const start = node.getKind() === SyntaxKind.SourceFile ? 0 : node.getStart()
  const text = node.getSourceFile().getFullText()
  let code = ''
  let position = start
  for (const template of templates) {
    code += text.slice(position, template.getStart()) + rewrite(template)
    position = template.getEnd()
  }
  return code + text.slice(position, node.getEnd())
}

/** The code of an expression, with its own templates rewritten. */
function codeOf(expression: Node): string {
  if (Node.isTaggedTemplateExpression(expression) && expression.getTag().getText() === 'html')
    return rewrite(expression)
  return replaceTemplates(expression, outermostTemplates(expression))
}

type Props = Record<string, unknown> | null
type CreateElement = (type: unknown, props: Props, ...children: unknown[]) => Code
/** htm's type declarations refer to a module that Node does not resolve. */
const parser = htm as unknown as {
  bind(make: CreateElement): (statics: readonly string[], ...fields: unknown[]) => unknown
}

/** A part of the result. */
class Code {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/**
 * A `${}` expression. htm returns it whole as a value, as its mark inside text, and by its only key when it is spread.
 */
class Expression {
  readonly mark: string
  readonly node: Node
  constructor(node: Node, index: number) {
    this.mark = `\uE000${index}\uE000`
    this.node = node
    // htm copies the enumerable keys of a spread.
    Object.defineProperties(this, { mark: { enumerable: false }, node: { enumerable: false } })
    Object.assign(this, { [spread + index]: this })
  }
  toString(): string {
    return this.mark
  }
}

const spread = '\uE001'
/** Moves to the line of an expression, for the name before it. */
const placeMark = '\uE002'

function rewrite(template: TaggedTemplateExpression): string {
  const { statics, expressions } = partsOf(template)
  const code = compile(statics, expressions)
  // htm parses from left to right, so the marks are in the order of the expressions.
  let line = template.getStartLineNumber()
  const moveTo = (target: number) => {
    const breaks = '\n'.repeat(Math.max(0, target - line))
    line = Math.max(line, target)
    return breaks
  }
  const placed = code.replace(/([\uE000\uE002])(\d+)\1/g, (_, mark: string, index: string) => {
    const expression = expressions[Number(index)] as Node
    const before = moveTo(expression.getStartLineNumber())
    if (mark === placeMark) return before
    line = expression.getEndLineNumber()
    return `${before}(${codeOf(expression)})`
  })
  return placed + moveTo(template.getEndLineNumber())
}

function partsOf(template: TaggedTemplateExpression): { statics: string[]; expressions: Node[] } {
  const literal = template.getTemplate()
  if (Node.isNoSubstitutionTemplateLiteral(literal))
    return { statics: [literal.getLiteralText()], expressions: [] }
  const spans = literal.getTemplateSpans()
  return {
    statics: [literal.getHead().getLiteralText(), ...spans.map((span) => span.getLiteral().getLiteralText())],
    expressions: spans.map((span) => span.getExpression()),
  }
}

function compile(statics: string[], expressions: readonly Node[]): string {
  const fields = expressions.map((node, index) => new Expression(node, index))
  const tree = parser.bind(createElement)(Object.assign(statics, { raw: statics }), ...fields)
  return tree instanceof Code
    ? tree.text
    : `_nodes(${Array.isArray(tree) ? `[${tree.map(toCode)}]` : toCode(tree)})`
}

function createElement(type: unknown, props: Props, ...children: unknown[]): Code {
  const isElement = typeof type === 'string' || (type instanceof Expression && isTagName(type.node))
  const entries = Object.entries(props ?? {}).map(([name, value]) => {
    if (name.startsWith(spread)) return `...${toCode(value)}`
    const key = /^[a-z]\w*$/i.test(name) ? name : JSON.stringify(name)
    // HTML writes numbers as text.
    const isNumber = isElement && typeof value === 'string' && /^-?\d+$/.test(value)
    const place = value instanceof Expression ? value.mark.replaceAll('\uE000', placeMark) : ''
    return `${place}${key}: ${isNumber ? '_number' : toCode(value)}`
  })
  if (children.length === 1) entries.push(`children: ${toCode(children[0])}`)
  if (children.length > 1) entries.push(`children: [${children.map(toCode)}]`)
  return new Code(`${isElement ? '_element' : '_component'}(${toCode(type)}, { ${entries.join(', ')} })`)
}

/** Whether an expression gives the name of an element, and no component. */
function isTagName(expression: Node): boolean {
  const type = expression.getType()
  const types = type.isUnion() ? type.getUnionTypes() : [type]
  return types.every((one) => one.isStringLiteral())
}

function toCode(value: unknown): string {
  if (value instanceof Expression) return value.mark
  if (value instanceof Code) return value.text
  if (typeof value !== 'string') return JSON.stringify(value)
  // An attribute of several pieces, which htm has joined as text.
  const pieces = value.split(/(\uE000\d+\uE000)/).filter((piece) => piece !== '')
  if (pieces.length === 0) return '""'
  return pieces.map((piece) => (piece.startsWith('\uE000') ? piece : JSON.stringify(piece))).join(' + ')
}
