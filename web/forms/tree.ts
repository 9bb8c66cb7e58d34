/** Dotted keys as a tree: keys with the same beginning stand together under it. Pure; level.ts draws it. */

/** `prefix` ends with a dot; `size`: all keys below. */
export type Group = { prefix: string; nodes: readonly Node[]; size: number }
/** A key, whole, or a group of several. */
export type Node = string | Group

/** Everything stands where its first key stood. A beginning that only one key has makes no group. */
export function treeOf(keys: readonly string[], prefix = ''): Node[] {
  const places = new Map<string, string[]>()
  for (const key of keys) {
    const dot = key.indexOf('.', prefix.length)
    // What has no more parts stands alone: the key `image` beside the group `image.`.
    const place = dot < 0 ? key : key.slice(0, dot + 1)
    const there = places.get(place)
    if (there === undefined) places.set(place, [key])
    else there.push(key)
  }
  return [...places].map(([place, below]) => {
    if (below.length === 1) return below[0] ?? place
    const nodes = treeOf(below, place)
    // `a.b.` alone in `a.` is one step, not two.
    const only = nodes.length === 1 ? nodes[0] : undefined
    return typeof only === 'object' ? only : { prefix: place, nodes, size: below.length }
  })
}

/** Every word is in the key, in whatever order. */
export function matchesKey(key: string, filter: string): boolean {
  const small = key.toLowerCase()
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => small.includes(word))
}
