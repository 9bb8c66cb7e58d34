/**
 * Colors and styles of text in a terminal (SGR codes). Colors are reduced to the sixteen of the palette, so that whoever
 * draws them can choose shades that are readable. Used by terminal-screen.ts.
 */

/** Colors: 0 to 7 are black, red, green, yellow, blue, magenta, cyan and white; 8 to 15 are their bright shades. */
export type TextStyle = {
  readonly bold?: boolean
  readonly dim?: boolean
  readonly italic?: boolean
  readonly underline?: boolean
  readonly strike?: boolean
  readonly inverse?: boolean
  readonly color?: number
  readonly background?: number
}

type Change = (style: TextStyle) => TextStyle
const changes: Record<number, Change> = {
  1: (style) => ({ ...style, bold: true }),
  2: (style) => ({ ...style, dim: true }),
  3: (style) => ({ ...style, italic: true }),
  4: (style) => ({ ...style, underline: true }),
  7: (style) => ({ ...style, inverse: true }),
  9: (style) => ({ ...style, strike: true }),
  21: (style) => ({ ...style, underline: true }),
  22: ({ bold: _, dim: __, ...style }) => style,
  23: ({ italic: _, ...style }) => style,
  24: ({ underline: _, ...style }) => style,
  27: ({ inverse: _, ...style }) => style,
  29: ({ strike: _, ...style }) => style,
  39: ({ color: _, ...style }) => style,
  49: ({ background: _, ...style }) => style,
}

/** The style after one SGR code; null: plain text. A parameter may have parts that are separated by colons. */
export function nextStyle(style: TextStyle | null, params: readonly string[]): TextStyle | null {
  let next: TextStyle = style ?? {}
  const codes = params.length === 0 ? [0] : params.flatMap(withoutColorSpace).map(Number)
  for (let index = 0; index < codes.length; index += 1) {
    const code = codes[index] ?? 0
    if (code === 0) next = {}
    else if (code === 38 || code === 48) {
      const { color, used } = extendedColor(codes.slice(index + 1))
      index += used
      if (color !== null) next = { ...next, [code === 38 ? 'color' : 'background']: color }
    } else {
      const [base = 0, key] = paletteRange(code)
      next = key === undefined ? (changes[code]?.(next) ?? next) : { ...next, [key]: code - base }
    }
  }
  return Object.keys(next).length === 0 ? null : next
}

/** `38:2::R:G:B` has an identifier of the color space, often empty, which `38;2;R;G;B` has not. */
function withoutColorSpace(param: string): string[] {
  const parts = param.split(':')
  return parts.length >= 6 && parts[1] === '2' ? [...parts.slice(0, 2), ...parts.slice(3, 6)] : parts
}

/** The code of color 0 in the range of a code, and what it sets. */
function paletteRange(code: number): [base?: number, key?: 'color' | 'background'] {
  if (code >= 30 && code <= 37) return [30, 'color']
  if (code >= 40 && code <= 47) return [40, 'background']
  if (code >= 90 && code <= 97) return [82, 'color']
  if (code >= 100 && code <= 107) return [92, 'background']
  return []
}

/** `5;N` or `2;R;G;B`. `used`: how many numbers belong to it. */
function extendedColor([kind, ...numbers]: number[]): { color: number | null; used: number } {
  if (kind === 5) return { color: fromPalette256(numbers[0] ?? 0), used: 2 }
  if (kind !== 2) return { color: null, used: 1 }
  const [red = 0, green = 0, blue = 0] = numbers
  return { color: nearestColor(red, green, blue), used: 4 }
}

function fromPalette256(index: number): number | null {
  if (!(index >= 0 && index <= 255)) return null
  if (index < 16) return index
  if (index >= 232) {
    const level = 8 + 10 * (index - 232)
    return nearestColor(level, level, level)
  }
  const level = (position: number) => {
    const step = Math.floor((index - 16) / position) % 6
    return step === 0 ? 0 : 55 + 40 * step
  }
  return nearestColor(level(36), level(6), level(1))
}

/** By the strongest parts of the color. */
function nearestColor(red: number, green: number, blue: number): number {
  const strongest = Math.max(red, green, blue)
  if (strongest < 48) return 0
  const bit = (part: number, value: number) => (part > strongest * 0.6 ? value : 0)
  const hue = bit(red, 1) + bit(green, 2) + bit(blue, 4)
  // A grey is dark grey (bright black) or light grey (white).
  if (hue === 7 && strongest < 160) return 8
  return strongest >= 200 ? hue + 8 : hue
}
