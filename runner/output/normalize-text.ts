/**
 * The form in which secrets are searched in text: the bytes of UTF-8, without line breaks and the indentation after
 * them, with URL encoding undone, and without the differences between the alphabets of base64. Called by
 * secret-patterns.ts and redact.ts.
 */

/** Valid until the next call of normalizeText. */
export type NormalText = {
  readonly bytes: Uint8Array
  /** For each byte the position in the text of the character, or of the `%`, that it comes from. */
  readonly starts: Int32Array
  readonly length: number
  /** How many characters were left out at the end of the text. */
  readonly lineBreakRun: number
}

/** More line breaks and blanks in a row are kept, so that the text that waits for its next piece is limited. */
const maxLineBreakRun = 200
const [lineFeed, carriageReturn, tab, blank, percent] = [0x0a, 0x0d, 0x09, 0x20, 0x25]
/** Enough for what is read from a pipe at once. All calls share it, because new ones would fill the memory. */
const scratchLength = 3 * 68 * 1024
const scratch = { bytes: new Uint8Array(scratchLength), starts: new Int32Array(scratchLength) }

/** base64 has `+` and `/`, its form for URLs `-` and `_`, and forms encode a blank as `+`. */
export const alphabet = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte)
  if (' -'.includes(character)) return '+'.charCodeAt(0)
  return character === '_' ? '/'.charCodeAt(0) : byte
})

/** Normalizes the text up to `end`. `lineBreakRun`: that of the text before. */
export function normalizeText(text: string, lineBreakRun = 0, end = text.length): NormalText {
  const fits = 3 * end <= scratchLength
  const bytes = fits ? scratch.bytes : new Uint8Array(3 * end)
  const starts = fits ? scratch.starts : new Int32Array(3 * end)
  let length = 0
  let run = lineBreakRun
  for (let at = 0; at < end; ) {
    const start = at
    let code = text.charCodeAt(at)
    at += 1
    const isEscape = code === percent && hasEscape(text, start)
    if (isEscape) {
      code = Number.parseInt(text.slice(at, at + 2), 16)
      at += 2
    }
    run = countLineBreakRun(code, run)
    if (isLeftOut(run)) continue
    if (code < 0x80 || isEscape) {
      bytes[length] = alphabet[code] ?? code
      starts[length++] = start
      continue
    }
    const codePoint = text.codePointAt(start) ?? code
    if (codePoint > 0xffff) at += 1
    const followingBytes = codePoint < 0x800 ? 1 : codePoint < 0x10000 ? 2 : 3
    bytes[length] = ((0xff00 >> (followingBytes + 1)) & 0xff) | (codePoint >> (6 * followingBytes))
    starts[length++] = start
    for (let shift = 6 * (followingBytes - 1); shift >= 0; shift -= 6) {
      bytes[length] = 0x80 | ((codePoint >> shift) & 0x3f)
      starts[length++] = start
    }
  }
  return { bytes, starts, length, lineBreakRun: run }
}

/** Whether a character at the end of a run of line breaks and indentation is left out. */
export const isLeftOut = (run: number): boolean => run > 0 && run <= maxLineBreakRun

/** The length of a run of a line break and further ones and blanks, up to this character. 0: it is none of them. */
export function countLineBreakRun(code: number, run: number): number {
  if (code > blank) return 0
  if (code === lineFeed || code === carriageReturn) return run + 1
  return run > 0 && (code === blank || code === tab) ? run + 1 : 0
}

/** The end of the character, or of the escape, that starts at `start`. */
export function sourceEnd(text: string, start: number): number {
  if (hasEscape(text, start)) return start + 3
  return start + ((text.codePointAt(start) ?? 0) > 0xffff ? 2 : 1)
}

/** Where a character or an escape begins that may continue in the next piece; else the end of the text. */
export function incompleteStart(text: string): number {
  const tail = text.slice(-2)
  const at = tail.search(/%[\da-f]?$|[\ud800-\udbff]$/i)
  return at === -1 ? text.length : text.length - tail.length + at
}

export function hasEscape(text: string, at: number): boolean {
  return text[at] === '%' && isHexDigit(text.charCodeAt(at + 1)) && isHexDigit(text.charCodeAt(at + 2))
}

function isHexDigit(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66)
}
