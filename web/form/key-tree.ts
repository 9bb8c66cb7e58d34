/** Dotted keys as a tree: keys with the same beginning stand together under it. Pure; config-level-editor.ts draws it. */

/** `prefix` ends with a dot; `size`: all keys below. */
export type KeyGroupNode = { prefix: string; nodes: readonly KeyNode[]; size: number }
/** A key, whole, or a group of several. */
export type KeyNode = string | KeyGroupNode

/** Everything stands where its first key stood. A beginning that only one key has makes no group. */
export function buildKeyTree(keys: readonly string[], prefix = ''): KeyNode[] {
  const groups = new Map<string, string[]>()
  for (const key of keys) {
    const dot = key.indexOf('.', prefix.length)
    // What has no more parts stands alone: the key `image` beside the group `image.`.
    const groupKey = dot < 0 ? key : key.slice(0, dot + 1)
    const group = groups.get(groupKey)
    if (group === undefined) groups.set(groupKey, [key])
    else group.push(key)
  }
  return [...groups].map(([groupKey, groupKeys]) => {
    if (groupKeys.length === 1) return groupKeys[0] ?? groupKey
    const nodes = buildKeyTree(groupKeys, groupKey)
    // `a.b.` alone in `a.` is one step, not two.
    const only = nodes.length === 1 ? nodes[0] : undefined
    return typeof only === 'object' ? only : { prefix: groupKey, nodes, size: groupKeys.length }
  })
}

/** Every word is in the key, in whatever order. */
export function matchesKey(key: string, filter: string): boolean {
  const lowerCase = key.toLowerCase()
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lowerCase.includes(word))
}
