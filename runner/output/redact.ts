/**
 * Masks secrets in text that arrives in pieces. It catches what scripts print by mistake, not a script that encodes
 * its secrets on purpose. Called for the output of actions (output.ts) and for messages with script output
 * (run-script.ts).
 */
import type { EffectiveConfig } from '../../domain/script.ts'

export type Redactor = {
  /** Returns masked text. The last characters wait for the next piece when they could be the start of a secret. */
  push(text: string): string
  end(): string
}

const mask = '***'
/** Masking shorter values (`on`, `1`, `dev`) would make output unreadable. */
const minSecretLength = 4
/** Lines of keys and certificates are longer. A line with a single brace is not a secret. */
const minLineLength = 8

/**
 * The leftmost match wins, then the longest. The result does not depend on how the text is cut into pieces.
 */
export function createRedactor(secrets: readonly string[]): Redactor {
  const patterns = createPatterns(secrets)
  const maxLength = patterns[0]?.text.length ?? 0
  let pending = ''

  const findPossibleStart = (text: string, from: number): number => {
    // A secret that is not complete yet starts at most `maxLength - 1` characters before the end.
    const start = Math.max(from, text.length - maxLength + 1)
    let earliest = text.length
    for (const secret of patterns)
      earliest = Math.min(earliest, text.length - overlapLength(text, start, secret))
    return earliest
  }

  return {
    push(piece) {
      if (maxLength === 0) return piece
      const text = pending + piece
      const findNext = createSearch(patterns, text)
      let result = ''
      let position = 0
      let safeEnd = findPossibleStart(text, 0)
      for (
        let match = findNext(position);
        match !== null && match.position < safeEnd;
        match = findNext(position)
      ) {
        result += text.slice(position, match.position) + mask
        position = match.position + match.length
        if (position > safeEnd) safeEnd = findPossibleStart(text, position)
      }
      pending = text.slice(safeEnd)
      return result + text.slice(position, safeEnd)
    },
    end() {
      // The rest holds no complete long secret, but may hold a complete shorter one.
      const text = pending
      pending = ''
      const findNext = createSearch(patterns, text)
      let result = ''
      let position = 0
      for (let match = findNext(position); match !== null; match = findNext(position)) {
        result += text.slice(position, match.position) + mask
        position = match.position + match.length
      }
      return result + text.slice(position)
    },
  }
}

/** Masks secrets in a complete text. */
export function maskSecrets(text: string, secrets: readonly string[]): string {
  const redactor = createRedactor(secrets)
  return redactor.push(text) + redactor.end()
}

/** The values of the config and of the environment whose keys match `keyPattern` (SECRET_KEYS). */
export function secretValues(
  config: EffectiveConfig,
  keyPattern: RegExp,
  environment: Readonly<Record<string, string>> = {},
): string[] {
  return [...config.application, ...config.deployment, ...Object.entries(environment)]
    .filter(([key]) => keyPattern.test(key))
    .map(([, value]) => value)
}

type Pattern = {
  text: string
  /**
   * The KMP failure table: at i, the length of the longest proper prefix that is also a suffix of the first i + 1
   * characters.
   */
  borders: Uint32Array
}

function createPatterns(secrets: readonly string[]): Pattern[] {
  const all = new Set<string>()
  for (const secret of secrets) {
    // Decoded output contains no lone surrogates and no NUL.
    const text = secret.toWellFormed().replaceAll('\0', '')
    if (text.length >= minSecretLength) all.add(text)
    if (!text.includes('\n')) continue
    for (const line of text.split('\n').map((each) => each.trim()))
      if (line.length >= minLineLength) all.add(line)
  }
  return [...all].sort((a, b) => b.length - a.length).map((text) => ({ text, borders: createBorders(text) }))
}

function createBorders(text: string): Uint32Array {
  const borders = new Uint32Array(text.length)
  for (let at = 1, length = 0; at < text.length; at += 1) {
    while (length > 0 && text[at] !== text[length]) length = borders[length - 1] ?? 0
    if (text[at] === text[length]) length += 1
    borders[at] = length
  }
  return borders
}

/** How many characters at the end of `text` are the start of the secret (Knuth–Morris–Pratt). */
function overlapLength(text: string, start: number, { text: secret, borders }: Pattern): number {
  let length = 0
  for (let at = Math.max(start, text.length - secret.length + 1); at < text.length; at += 1) {
    while (length > 0 && text[at] !== secret[length]) length = borders[length - 1] ?? 0
    if (text[at] === secret[length]) length += 1
  }
  return length
}

type Match = { position: number; length: number } | null

/** Returns a function that finds the next match at or after `from`. `from` must not decrease. */
function createSearch(patterns: readonly Pattern[], text: string): (from: number) => Match {
  const next = patterns.map((secret) => text.indexOf(secret.text))
  return (from) => {
    let earliest: Match = null
    for (const [index, secret] of patterns.entries()) {
      let at = next[index] ?? -1
      if (at === -1) continue
      if (at < from) at = next[index] = text.indexOf(secret.text, from)
      if (at !== -1 && (earliest === null || at < earliest.position))
        earliest = { position: at, length: secret.text.length }
    }
    return earliest
  }
}
