/**
 * The forms in which a secret may be printed: plain, as JSON, in base64 at any place of a longer text, each line of
 * several. They are stored as sorted blocks of at most 64 bytes, so that a search costs the same for any number and
 * length of secrets. Called by redact.ts.
 */
import { alphabet, countLineBreakRun, hasEscape, isLeftOut, normalizeText } from './normalize-text.ts'

export type SecretPatterns = {
  /**
   * A quick look at text after `lineBreakRun`: returns the length of its beginning in which no block can start. 0 also
   * when a closer look is needed.
   */
  skipPlainText(text: string, lineBreakRun: number): number
  /** The index of the longest block that `bytes` has at `at`; -1 when there is none. */
  findLongest(bytes: Uint8Array, at: number, end: number): number
  /** Whether all bytes from `at` to `end` are the beginning of a longer block. */
  isBeginning(bytes: Uint8Array, at: number, end: number): boolean
  lengthOf(block: number): number
  /** Whether the block continues a long secret, and whether another block follows it. */
  isContinuation(block: number): boolean
  hasContinuation(block: number): boolean
  readonly isEmpty: boolean
}

export const maxBlockLength = 64
/** Masking shorter values (`on`, `1`, `dev`) would make output unreadable. */
const minSecretLength = 4
/** Lines of keys and certificates are longer. A line with a single brace is not a secret. */
const minLineLength = 8
/** The longest secrets are searched as they are only, so that memory is limited. */
const maxEncodedBytes = 256 * 1024
/** The first bytes of a block, by which most places are ruled out. */
const anchorLength = 4

const [continuation, continued] = [1, 2]
const [blank, percent] = [0x20, 0x25]
type Block = { bytes: Uint8Array; flags: number; parent: number }

export function createSecretPatterns(secrets: readonly string[]): SecretPatterns {
  const blocks = createBlocks(secrets)
  const isAnchor = new Uint8Array(1 << 16)
  const isFirstByte = new Uint8Array(256)
  const anchors = new Set<number>()
  for (const { bytes } of blocks) {
    anchors.add(anchorAt(bytes, 0))
    isAnchor[hash(anchorAt(bytes, 0))] = 1
    isFirstByte[bytes[0] ?? 0] = 1
  }

  /** The number of blocks that are not greater than the text, in the order of bytes. */
  const countUpTo = (text: Uint8Array, at: number, end: number): number => {
    let [low, high] = [0, blocks.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      const block = blocks[middle]
      if (block !== undefined && compare(block.bytes, text, at, end) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    isEmpty: blocks.length === 0,
    skipPlainText(text, lineBreakRun) {
      let run = lineBreakRun
      let anchor = 0
      for (let at = 0; at < text.length; at += 1) {
        const code = text.charCodeAt(at)
        if (code > blank) {
          if (code > 0x7e || (code === percent && hasEscape(text, at))) return 0
          run = 0
        } else if (run > 0 || code < blank) {
          run = countLineBreakRun(code, run)
          if (isLeftOut(run)) continue
        }
        anchor = (anchor << 8) | (alphabet[code] as number)
        if (isAnchor[hash(anchor)] === 1 && anchors.has(anchor)) return 0
      }
      return unanchoredStart(text)
    },
    findLongest(text, at, end) {
      if (end - at < anchorLength || isAnchor[hash(anchorAt(text, at))] === 0) return -1
      // Every block that the text begins with is a beginning of the greatest one that is not greater than the text.
      let found = countUpTo(text, at, end) - 1
      for (let block = blocks[found]; block !== undefined; block = blocks[found]) {
        if (commonLength(block.bytes, text, at, end) === block.bytes.length) break
        found = block.parent
      }
      return found
    },
    isBeginning(text, at, end) {
      if (isFirstByte[text[at] ?? 0] === 0) return false
      const next = blocks[countUpTo(text, at, end)]
      return next !== undefined && commonLength(next.bytes, text, at, end) === end - at
    },
    lengthOf: (block) => blocks[block]?.bytes.length ?? 0,
    isContinuation: (block) => ((blocks[block]?.flags ?? 0) & continuation) !== 0,
    hasContinuation: (block) => ((blocks[block]?.flags ?? 0) & continued) !== 0,
  }
}

/** Sorted by their bytes. `parent` is the longest other block that the block begins with, or -1. */
function createBlocks(secrets: readonly string[]): Block[] {
  const byContent = new Map<string, Block>()
  for (const text of createForms(secrets)) {
    const { bytes, length } = normalizeText(text)
    if (length < anchorLength) continue
    const ends = blockEnds(bytes, length)
    for (const [index, end] of ends.entries()) {
      const block = bytes.slice(ends[index - 1] ?? 0, end)
      const flags = (index > 0 ? continuation : 0) | (end < length ? continued : 0)
      const content = Buffer.from(block).toString('latin1')
      const known = byContent.get(content)
      if (known === undefined) byContent.set(content, { bytes: block, flags, parent: -1 })
      else known.flags |= flags
    }
  }
  const blocks = [...byContent.values()].sort((one, other) => Buffer.compare(one.bytes, other.bytes))
  const ancestors: number[] = []
  for (const [index, block] of blocks.entries()) {
    const isWithin = (ancestor: number) => {
      const { bytes } = blocks[ancestor] as Block
      return commonLength(bytes, block.bytes, 0, block.bytes.length) === bytes.length
    }
    while (ancestors.length > 0 && !isWithin(ancestors.at(-1) as number)) ancestors.pop()
    block.parent = ancestors.at(-1) ?? -1
    ancestors.push(index)
  }
  return blocks
}

/** Blocks of about the same length, which begin with whole characters. */
function blockEnds(bytes: Uint8Array, length: number): number[] {
  const count = Math.ceil(length / (maxBlockLength - 3))
  return Array.from({ length: count }, (_, index) => {
    let end = Math.floor((length * (index + 1)) / count)
    for (let moved = 0; moved < 3 && end < length && ((bytes[end] ?? 0) & 0xc0) === 0x80; moved += 1) end += 1
    return end
  })
}

function createForms(secrets: readonly string[]): Set<string> {
  const forms = new Set<string>()
  let encodedBytes = 0
  // Decoded output contains no lone surrogates and no NUL.
  const clean = secrets.map((secret) => secret.toWellFormed().replaceAll('\0', '').trim())
  for (const text of clean.sort((one, other) => one.length - other.length)) {
    if (text.length < minSecretLength) continue
    forms.add(text)
    if (/[\n\r]/.test(text))
      for (const line of text.split(/[\n\r]+/).map((each) => each.trim()))
        if (line.length >= minLineLength) forms.add(line)
    encodedBytes += Buffer.byteLength(text)
    if (encodedBytes > maxEncodedBytes) continue
    const json = JSON.stringify(text).slice(1, -1)
    forms.add(json).add(json.replace(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`))
    for (const encoded of base64Forms(text)) forms.add(encoded)
  }
  return forms
}

/**
 * In base64 three bytes become four characters, so a text has one of three forms, depending on what is before it. Only
 * the characters that nothing but the text decides are searched; of a short text also its end with padding.
 */
function base64Forms(text: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const encode = (after: string) =>
      Buffer.from('x'.repeat(before) + text + after)
        .toString('base64')
        .slice(Math.ceil((before * 8) / 6))
    const atEnd = ['', '\n'].map(encode).filter((form) => form.length <= maxBlockLength - 3)
    const within = encode('').slice(
      0,
      Math.floor(((before + Buffer.byteLength(text)) * 8) / 6) - Math.ceil((before * 8) / 6),
    )
    return [within, ...atEnd, ...atEnd.map((form) => form.replace(/=+$/, ''))]
  })
}

/** Where the last characters begin that are too few for an anchor; two of them may be the beginning of an escape. */
function unanchoredStart(text: string): number {
  let missing = anchorLength + 1
  let at = text.length
  while (at > 0 && missing > 0) {
    at -= 1
    if (text.charCodeAt(at) > blank) missing -= 1
  }
  return at
}

const hash = (anchor: number): number => Math.imul(anchor, 0x9e3779b1) >>> 16

function anchorAt(bytes: Uint8Array, at: number): number {
  const first = ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16)
  const second = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)
  return first | second
}

/** Compares the block with the text at `at`, as sorting does. */
function compare(block: Uint8Array, text: Uint8Array, at: number, end: number): number {
  const common = commonLength(block, text, at, end)
  if (common === block.length) return common === end - at ? 0 : -1
  if (common === end - at) return 1
  return (block[common] ?? 0) - (text[at + common] ?? 0)
}

function commonLength(block: Uint8Array, text: Uint8Array, at: number, end: number): number {
  const length = Math.min(block.length, end - at)
  let common = 0
  while (common < length && block[common] === text[at + common]) common += 1
  return common
}
