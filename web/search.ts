/**
 * Finding deployments by what people type: several words, all of which must be found in names, config keys or values, each as
 * it stands, as an abbreviation (`fpb` for feature-payment-button, `img` for image) or with one slip (`imgae`). Pure; asked by listing.ts
 * for what is found and how well, by the rows for what to mark.
 */
import type { Override } from '../domain/overrides.ts'
import type { FullInfo } from '../domain/shapes.ts'

/** `slips`: the word with one letter wrong, missing, too much or swapped; null for short words and for numbers. */
export type Word = { text: string; slips: RegExp | null }
export type Span = readonly [from: number, to: number]

/** Guessing in long values finds everything: there a word must stand as it is. */
const longestGuessed = 120
/** So much of a value is looked at: some hold whole files. */
const longestRead = 2000

export function wordsOf(query: string): Word[] {
  const texts = query.toLowerCase().split(/\s+/).filter(Boolean)
  return [...new Set(texts)].map((text) => ({ text, slips: slipsOf(text), toString: () => text }))
}

/** What is searched, in small letters: the name, then every override as `key=value`. */
export function fieldsOf({ deployment }: FullInfo): string[] {
  const overrides = [...deployment.app_overrides, ...deployment.deployment_overrides] as Override[]
  return [
    deployment.name,
    ...overrides.map((override) => textOf(override).slice(0, longestRead).toLowerCase()),
  ]
}

export const textOf = ([key, value]: Override): string =>
  `${key}=${value.tag === 'ValueAdded' ? value.contents : ''}`

/** How well all words are found, to compare; 0: not all of them are. */
export function qualityOf(words: readonly Word[], fields: readonly string[]): number {
  let sum = 0
  for (const word of words) {
    const best = bestOf(word, fields)
    if (best === 0) return 0
    sum += best
  }
  return sum
}

/** The words as they are to be marked in these fields: no guesses where a word stands as it is. */
export function markable(words: readonly Word[], fields: readonly string[]): (text: string) => Span[] {
  const plain = words.map(({ text }) => fields.some((field) => field.includes(text)))
  return (text) => {
    const small = text.slice(0, longestRead).toLowerCase()
    return joined(
      words.flatMap((word, at) => (plain[at] ? standing(word.text, small) : guessed(word, small))),
    )
  }
}

/** The pieces of a stretch of a text, those within the spans told apart. */
export function pieces(text: string, spans: readonly Span[], start = 0, end = text.length) {
  const found: { text: string; hit: boolean }[] = []
  let at = start
  const take = (to: number, hit: boolean) => {
    const until = Math.min(to, end)
    if (until > at) found.push({ text: text.slice(at, until), hit })
    at = Math.max(at, until)
  }
  for (const [from, to] of spans) {
    take(from, false)
    take(to, true)
  }
  take(end, false)
  return found
}

/** Whole field, its beginning, a part's beginning, anywhere; then guesses. In names a little better. */
function bestOf(word: Word, fields: readonly string[]): number {
  const { text } = word
  let best = 0
  for (const [at, field] of fields.entries()) {
    const found = field.indexOf(text)
    if (found === -1) continue
    const whole = field.length === text.length
    const level = found > 0 ? (isStart(field, found) ? 8 : 6) : whole ? 12 : 10
    best = Math.max(best, level + (at === 0 ? 1 : 0))
  }
  if (best > 0) return best
  for (const [at, field] of fields.entries()) {
    if (guessed(word, field).length > 0) best = Math.max(best, at === 0 ? 3 : 2)
  }
  return best
}

function standing(word: string, text: string): Span[] {
  const spans: Span[] = []
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + word.length)) {
    spans.push([at, at + word.length])
  }
  return spans
}

function guessed(word: Word, text: string): Span[] {
  if (text.length > longestGuessed) return []
  const short = abbreviated(word.text, text)
  if (short.length > 0) return short
  const slip = word.slips?.exec(text)
  return slip ? [[slip.index, slip.index + slip[0].length]] : []
}

/** So many letters may be left out within a part. */
const farthestJump = 2

/** The letters in their order, from the start of a part on; each soon after the last, or at the start of a later part. */
function abbreviated(word: string, text: string): Span[] {
  if (word.length < 2) return []
  for (
    let start = text.indexOf(word.charAt(0));
    start !== -1;
    start = text.indexOf(word.charAt(0), start + 1)
  ) {
    if (!isStart(text, start)) continue
    const spans: Span[] = []
    let from = start
    let at = start
    for (const letter of word) {
      if (text[at] !== letter) {
        spans.push([from, at])
        const nearest = at + farthestJump
        do at = text.indexOf(letter, at + 1)
        while (at > nearest && !isStart(text, at))
        if (at === -1) break
        from = at
      }
      at += 1
    }
    if (at !== -1) return [...spans, [from, at]]
  }
  return []
}

/** A letter or digit after something that is neither, or a digit after a letter. */
function isStart(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1)
  return at === 0 || !isLetter(before) || (isDigit(text.charCodeAt(at)) && !isDigit(before))
}
const isDigit = (code: number) => code >= 48 && code <= 57
const isLetter = (code: number) => isDigit(code) || (code >= 97 && code <= 122) || code > 127

function slipsOf(word: string): RegExp | null {
  if (!/^\p{L}{4,32}$/u.test(word)) return null
  const ways = [...word].flatMap((letter, at) => {
    const [before, after] = [word.slice(0, at), word.slice(at + 1)]
    return [
      `${before}[^]?${after}`,
      `${before}[^]${letter}${after}`,
      before + after.slice(0, 1) + letter + after.slice(1),
    ]
  })
  return new RegExp(ways.join('|'))
}

function joined(spans: Span[]): Span[] {
  const all: [number, number][] = []
  for (const [from, to] of spans.sort((a, b) => a[0] - b[0])) {
    const last = all.at(-1)
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to)
    else all.push([from, to])
  }
  return all
}
