/** Groups dotted keys by common prefixes. Pure functions for config-level-state.ts. */

/** `prefix` ends with a dot. `size`: number of keys at all depths. */
export type KeyGroupNode = { prefix: string; nodes: readonly KeyNode[]; size: number }
/** A full key, or a group of several. */
export type KeyNode = string | KeyGroupNode

/** Each group takes the position of its first key. A prefix of a single key forms no group. */
export function buildKeyTree(keys: readonly string[], prefix = ''): KeyNode[] {
  const groups = new Map<string, string[]>()
  for (const key of keys) {
    const dot = key.indexOf('.', prefix.length)
    // A key without further parts is a node of its own: the key `image` next to the group `image.`.
    const groupKey = dot < 0 ? key : key.slice(0, dot + 1)
    const group = groups.get(groupKey)
    if (group === undefined) groups.set(groupKey, [key])
    else group.push(key)
  }
  return [...groups].map(([groupKey, groupKeys]) => {
    if (groupKeys.length === 1) return groupKeys[0] ?? groupKey
    const nodes = buildKeyTree(groupKeys, groupKey)
    // A group whose only node is a group is merged into it: `a.` with `a.b.` becomes `a.b.`.
    const only = nodes.length === 1 ? nodes[0] : undefined
    return typeof only === 'object' ? only : { prefix: groupKey, nodes, size: groupKeys.length }
  })
}
