/**
 * Name patterns with claims in them, such as `pr-${pull_request}`. A claim comes from outside: its value is put in only when it
 * can stand for itself alone, so that no value makes a pattern wider. Used by trust-rule.ts and decide-trust.ts.
 */
import { namePattern } from '../roles.ts'
import { type Claims, claimText } from './claims.ts'

/** `text`: a part of a pattern. `claim`: its value without `prefix`, with which it must begin. */
type Part = { text: string } | { claim: string; prefix: string; shown: string }

const claimPattern = /\$\{([^}#]{1,200})(?:#([^}]{0,200}))?\}/
/** What the value of a claim may be in a name. */
const safeValue = /^[a-z0-9-]{1,63}$/

function parseTemplate(template: string): Part[] {
  return template.split(/(\$\{[^}]*\})/).flatMap((part): Part[] => {
    const [shown, claim, prefix = ''] = claimPattern.exec(part) ?? []
    if (shown !== undefined && claim !== undefined) return [{ claim, prefix, shown }]
    return part === '' ? [] : [{ text: part }]
  })
}

/** Why a template is refused; null when it is valid. */
export function templateProblem(template: string): string | null {
  const parts = parseTemplate(template)
  const texts = parts.flatMap((part) => ('text' in part ? part.text : []))
  if (template === '' || texts.some((text) => !/^[a-z0-9*-]+$/.test(text)) || texts.join('').length > 64)
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how a policy file writes a claim.
    return 'may hold only a-z, 0-9, -, * and claims such as ${pull_request}'
  const shape = parts.map((part) => ('text' in part ? part.text : '$')).join('')
  if (shape.includes('$$'))
    return 'needs a character such as - between two claims: 1 and 23 would be 12 and 3'
  if (/\$[a-z0-9]*\*|\*[a-z0-9]*\$/.test(shape))
    return 'needs a - between a claim and a *: else the claim 4 would also give 41'
  return null
}

/** The pattern, or why this token gives none. */
export function fillTemplate(template: string, claims: Claims): { pattern: string } | { problem: string } {
  let pattern = ''
  for (const part of parseTemplate(template)) {
    if ('text' in part) {
      pattern += part.text
      continue
    }
    const text = claimText(claims, part.claim)
    if (text === null) return { problem: `the token has no claim ${part.claim} with one value` }
    if (!text.startsWith(part.prefix))
      return { problem: `its claim ${part.claim} does not begin with ${part.prefix}` }
    const value = text.slice(part.prefix.length)
    if (!safeValue.test(value))
      return {
        problem: `${part.shown} is ${JSON.stringify(value.slice(0, 60))}: in a name it may hold only a-z, 0-9 and -`,
      }
    pattern += value
  }
  if (!namePattern.test(pattern)) return { problem: `the pattern ${pattern.slice(0, 80)} is too long` }
  return { pattern }
}
