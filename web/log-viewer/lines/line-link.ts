/** The part of an address that names lines of an output: `#L120`, `#L120-L130`. Pure functions for log-viewer.ts. */

/** The first and the last line, counted from 0. */
export type LineRange = { readonly from: number; readonly to: number }

/** Null: the fragment names no line. */
export function parseLineHash(hash: string): LineRange | null {
  const [, first, last = first] = /^#L([1-9]\d{0,8})(?:-L?([1-9]\d{0,8}))?$/.exec(hash) ?? []
  return first === undefined ? null : rangeOf(Number(first) - 1, Number(last) - 1)
}

export const lineHash = ({ from, to }: LineRange): string =>
  from === to ? `#L${from + 1}` : `#L${from + 1}-L${to + 1}`

/** The ends in any order. */
export const rangeOf = (one: number, other: number): LineRange => ({
  from: Math.min(one, other),
  to: Math.max(one, other),
})
