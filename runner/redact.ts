/**
 * Masks secrets in a text that arrives in pieces. Called by output.ts for each stream; `secretsOf` by the
 * conductor, which knows the config. Masks what a script prints by mistake; it is no fence against one that
 * prints its secrets in disguise.
 */
import type { EffectiveConfig } from '../domain/script.ts'

export type Redactor = {
  /** The masked text so far; a tail that could begin a secret is held back until the next piece or the end. */
  push(text: string): string
  end(): string
}

const mask = '***'
/** Shorter values (`on`, `1`, `dev`) would mask half of every output. */
const leastLength = 4
/** Lines of keys and certificates are longer; a line of a brace alone is no secret. */
const leastLineLength = 8

/** Leftmost first, of those that begin at one place the longest: the same text however it was cut into pieces. */
export function createRedactor(secrets: readonly string[]): Redactor {
  const wanted = wantedOf(secrets)
  const longest = wanted[0]?.text.length ?? 0
  let held = ''

  const mayBegin = (text: string, from: number): number => {
    // No further back than the longest secret without its last character.
    const start = Math.max(from, text.length - longest + 1)
    let least = text.length
    for (const secret of wanted) least = Math.min(least, text.length - overlap(text, start, secret))
    return least
  }

  return {
    push(piece) {
      if (longest === 0) return piece
      const text = held + piece
      const found = createSearch(wanted, text)
      let shown = ''
      let at = 0
      let open = mayBegin(text, 0)
      for (let next = found(at); next !== null && next.at < open; next = found(at)) {
        shown += text.slice(at, next.at) + mask
        at = next.at + next.length
        if (at > open) open = mayBegin(text, at)
      }
      held = text.slice(open)
      return shown + text.slice(at, open)
    },
    end() {
      // What is held can only begin a longer secret; a shorter one may be whole inside.
      const text = held
      held = ''
      const found = createSearch(wanted, text)
      let shown = ''
      let at = 0
      for (let next = found(at); next !== null; next = found(at)) {
        shown += text.slice(at, next.at) + mask
        at = next.at + next.length
      }
      return shown + text.slice(at)
    },
  }
}

/** A whole text with its secrets masked. */
export function masked(text: string, secrets: readonly string[]): string {
  const redactor = createRedactor(secrets)
  return redactor.push(text) + redactor.end()
}

/** The values, of both levels and of the environment, whose key matches `pattern` (SECRET_KEYS, which knows no case). */
export function secretsOf(
  config: EffectiveConfig,
  pattern: RegExp,
  environment: Readonly<Record<string, string>> = {},
): string[] {
  return [...config.application, ...config.deployment, ...Object.entries(environment)]
    .filter(([key]) => pattern.test(key))
    .map(([, value]) => value)
}

type Wanted = {
  text: string
  /** at i: the length of the longest proper prefix of the secret that ends with its first i + 1 characters */
  borders: Uint32Array
}

function wantedOf(secrets: readonly string[]): Wanted[] {
  const all = new Set<string>()
  for (const secret of secrets) {
    // Decoded output holds no lone surrogates and no NUL.
    const text = secret.toWellFormed().replaceAll('\0', '')
    if (text.length >= leastLength) all.add(text)
    if (!text.includes('\n')) continue
    for (const line of text.split('\n').map((each) => each.trim()))
      if (line.length >= leastLineLength) all.add(line)
  }
  return [...all].sort((a, b) => b.length - a.length).map((text) => ({ text, borders: bordersOf(text) }))
}

function bordersOf(text: string): Uint32Array {
  const borders = new Uint32Array(text.length)
  for (let at = 1, length = 0; at < text.length; at += 1) {
    while (length > 0 && text[at] !== text[length]) length = borders[length - 1] ?? 0
    if (text[at] === text[length]) length += 1
    borders[at] = length
  }
  return borders
}

/** How many characters at the end of `text` begin the secret (without completing it); Knuth, Morris and Pratt. */
function overlap(text: string, start: number, { text: secret, borders }: Wanted): number {
  let length = 0
  for (let at = Math.max(start, text.length - secret.length + 1); at < text.length; at += 1) {
    while (length > 0 && text[at] !== secret[length]) length = borders[length - 1] ?? 0
    if (text[at] === secret[length]) length += 1
  }
  return length
}

type Found = { at: number; length: number } | null

/** Finds the next secret at or after a place; places must not go back. Each secret is looked for once a text. */
function createSearch(wanted: readonly Wanted[], text: string): (from: number) => Found {
  const next = wanted.map((secret) => text.indexOf(secret.text))
  return (from) => {
    let best: Found = null
    for (const [index, secret] of wanted.entries()) {
      let at = next[index] ?? -1
      if (at === -1) continue
      if (at < from) at = next[index] = text.indexOf(secret.text, from)
      if (at !== -1 && (best === null || at < best.at)) best = { at, length: secret.text.length }
    }
    return best
  }
}
