/**
 * Searches deployments by name, config keys and values. All terms must match, each exactly, as an
 * abbreviation (`fpb` for feature-payment-button, `img` for image) or with one typo (`imgae`). Pure
 * functions: list-model.ts matches and ranks, the rows highlight.
 */
import { lastOutcome } from '../../client/action-outcome.ts'
import { type Override, overridesFromWire } from '../../domain/overrides.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { isHiddenOverride } from '../../domain/secrets/secret-reference.ts'
import { actionTone, statusLabel } from '../deployment/status-labels.ts'

/**
 * `typoPattern` matches the term with one letter wrong, missing, added or swapped; null for short terms and
 * numbers.
 */
export type SearchTerm = { text: string; typoPattern: RegExp | null }
export type Span = readonly [from: number, to: number]

/** Longer values are matched exactly only, because fuzzy matching would always find something in them. */
const maxFuzzyChars = 120
/** Only this part of a value is searched: some values hold whole files. */
const maxSearchedChars = 2000

export function parseQuery(query: string): SearchTerm[] {
  const texts = query.toLowerCase().split(/\s+/).filter(Boolean)
  return [...new Set(texts)].map((text) => ({ text, typoPattern: typoPatternOf(text), toString: () => text }))
}

/**
 * The searched texts in lower case: the name, then every override and label as `key=value`, the title, the
 * people (owner, and who did the last action), then the status when there is something
 * to say about it (`running, last update failed`), so that a search for `run` does not find every deployment, and how the last action
 * failed, whatever the status is.
 */
export function searchFields(info: FullInfo): string[] {
  const { deployment } = info
  const { label, tone } = statusLabel(info)
  const byLevel = overridesFromWire(deployment)
  const overrides = [...byLevel.application, ...byLevel.deployment]
  return [
    deployment.name,
    ...overrides.map((override) => overrideText(override).slice(0, maxSearchedChars).toLowerCase()),
    ...Object.entries(info.labels ?? {}).map(([key, value]) => `${key}=${value}`.toLowerCase()),
    ...(info.title ? [info.title.toLowerCase()] : []),
    ...(info.owner ? [info.owner.name.toLowerCase()] : []),
    ...(info.last_action?.actor ? [info.last_action.actor.toLowerCase()] : []),
    ...(/warning|error|progress/.test(tone) ? [label.toLowerCase()] : []),
    ...(info.last_action && actionTone(info.last_action) === 'error' ? [`last ${lastOutcome(info)}`] : []),
  ]
}

/** Without a hidden value: nobody looks for a reference. */
export const overrideText = ([key, value]: Override): string =>
  `${key}=${value.tag === 'ValueAdded' && !isHiddenOverride(value) ? value.contents : ''}`

/** Ranking score; 0 when a term is not found. */
export function matchScore(terms: readonly SearchTerm[], fields: readonly string[]): number {
  let sum = 0
  for (const term of terms) {
    const score = termScore(term, fields)
    if (score === 0) return 0
    sum += score
  }
  return sum
}

/**
 * Returns the spans to highlight in a text of these fields. A term that matches exactly anywhere is not
 * highlighted fuzzily elsewhere.
 */
export function createHighlighter(
  terms: readonly SearchTerm[],
  fields: readonly string[],
): (text: string) => Span[] {
  const isExact = terms.map(({ text }) => fields.some((field) => field.includes(text)))
  return (text) => {
    const lowerCase = text.slice(0, maxSearchedChars).toLowerCase()
    return mergeSpans(
      terms.flatMap((term, index) =>
        isExact[index] ? exactSpans(term.text, lowerCase) : fuzzySpans(term, lowerCase),
      ),
    )
  }
}

/** Splits a part of a text into matching and other pieces. */
export function splitBySpans(text: string, spans: readonly Span[], start = 0, end = text.length) {
  const pieces: { text: string; isMatch: boolean }[] = []
  let position = start
  const push = (to: number, isMatch: boolean) => {
    const until = Math.min(to, end)
    if (until > position) pieces.push({ text: text.slice(position, until), isMatch })
    position = Math.max(position, until)
  }
  for (const [from, to] of spans) {
    push(from, false)
    push(to, true)
  }
  push(end, false)
  return pieces
}

/**
 * Score of the best match: whole field, start of the field, start of a part, anywhere, fuzzy. The name
 * counts slightly more.
 */
function termScore(term: SearchTerm, fields: readonly string[]): number {
  const { text } = term
  let best = 0
  for (const [index, field] of fields.entries()) {
    const position = field.indexOf(text)
    if (position === -1) continue
    const whole = field.length === text.length
    const level = position > 0 ? (isPartStart(field, position) ? 8 : 6) : whole ? 12 : 10
    best = Math.max(best, level + (index === 0 ? 1 : 0))
  }
  if (best > 0) return best
  for (const [index, field] of fields.entries()) {
    if (fuzzySpans(term, field).length > 0) best = Math.max(best, index === 0 ? 3 : 2)
  }
  return best
}

function exactSpans(term: string, text: string): Span[] {
  const spans: Span[] = []
  for (
    let position = text.indexOf(term);
    position !== -1;
    position = text.indexOf(term, position + term.length)
  ) {
    spans.push([position, position + term.length])
  }
  return spans
}

function fuzzySpans(term: SearchTerm, text: string): Span[] {
  if (text.length > maxFuzzyChars) return []
  const abbreviation = abbreviationSpans(term.text, text)
  if (abbreviation.length > 0) return abbreviation
  const typo = term.typoPattern?.exec(text)
  return typo ? [[typo.index, typo.index + typo[0].length]] : []
}

/** Maximum number of letters skipped within a part. */
const maxSkippedChars = 2

/**
 * Matches the letters in order, from the start of a part. Each letter follows soon after the previous one,
 * or starts a later part.
 */
function abbreviationSpans(term: string, text: string): Span[] {
  if (term.length < 2) return []
  for (
    let start = text.indexOf(term.charAt(0));
    start !== -1;
    start = text.indexOf(term.charAt(0), start + 1)
  ) {
    if (!isPartStart(text, start)) continue
    const spans: Span[] = []
    let from = start
    let position = start
    for (const letter of term) {
      if (text[position] !== letter) {
        spans.push([from, position])
        const nearest = position + maxSkippedChars
        do position = text.indexOf(letter, position + 1)
        while (position > nearest && !isPartStart(text, position))
        if (position === -1) break
        from = position
      }
      position += 1
    }
    if (position !== -1) return [...spans, [from, position]]
  }
  return []
}

/** True for a letter or digit after a separator, and for a digit after a letter. */
function isPartStart(text: string, position: number): boolean {
  const before = text.charCodeAt(position - 1)
  return position === 0 || !isLetter(before) || (isDigit(text.charCodeAt(position)) && !isDigit(before))
}
const isDigit = (code: number) => code >= 48 && code <= 57
const isLetter = (code: number) => isDigit(code) || (code >= 97 && code <= 122) || code > 127

function typoPatternOf(term: string): RegExp | null {
  if (!/^\p{L}{4,32}$/u.test(term)) return null
  const variants = [...term].flatMap((letter, index) => {
    const [before, after] = [term.slice(0, index), term.slice(index + 1)]
    return [
      `${before}[^]?${after}`,
      `${before}[^]${letter}${after}`,
      before + after.slice(0, 1) + letter + after.slice(1),
    ]
  })
  return new RegExp(variants.join('|'))
}

function mergeSpans(spans: Span[]): Span[] {
  const all: [number, number][] = []
  for (const [from, to] of spans.sort((a, b) => a[0] - b[0])) {
    const last = all.at(-1)
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to)
    else all.push([from, to])
  }
  return all
}
