/** One config level in the form, as a tree of its dotted keys. Its state: config-level-state.ts; one key: row.ts. */
import { useComputed, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useId } from 'preact/hooks'
import { pluralize } from '../format.ts'
import { ElapsedTime } from '../ui/elapsed-time.ts'
import { ErrorBox } from '../ui/error-box.ts'
import { Icon } from '../ui/icon.ts'
import type { ConfigLevelState } from './config-level-state.ts'
import { KeyRow } from './key-row.ts'
import type { KeyGroupNode, KeyNode } from './key-tree.ts'
import { NewKeyRow } from './new-key-row.ts'

/** With fewer keys nobody needs a filter. */
const filterAboveKeys = 12
/** Rows drawn in one frame: the form opens at once whatever its size. */
const rowsPerFrame = 40

export function ConfigLevelEditor({ level, again }: { level: ConfigLevelState; again: () => void }): VNode {
  const { problem, state } = level.defaults.value
  const missing = state === 'failed' ? 'defaults' : 'suggested keys'
  const title = `The ${missing} could not be loaded`
  return html`<section class="config-level" aria-label=${level.title} aria-busy=${state === 'loading'}>
    <${LevelHeader} level=${level} />
    ${problem !== null && html`<${ErrorBox} title=${title} problem=${problem} again=${again} />`}
    <div class="rows"><${KeyTree} level=${level} /><${NewKeyRow} level=${level} /></div>
  </section>`
}

function LevelHeader({ level }: { level: ConfigLevelState }): VNode {
  const { state, pairs } = level.defaults.value
  const { size } = level.rows.value
  const overrides = level.overrides.value.length
  return html`<div class="level-head">
    <h3>${level.title}</h3>
    <span class="level-note" role="status">
      ${state === 'waiting' && 'Waits for the deployment config'}
      ${state === 'loading' && html`${pairs.length > 0 ? 'Loading new defaults' : 'Loading defaults'} <${ElapsedTime} />`}
      ${(state === 'ready' || state === 'failed') && overrides > 0 && pluralize(overrides, 'override')}
    </span>
    ${
      size > filterAboveKeys &&
      html`<input
        type="search"
        class="filter"
        aria-label=${`Filter keys, ${level.title.toLowerCase()}`}
        placeholder=${`Filter ${size.toLocaleString()} keys`}
        autocomplete="off"
        spellcheck=${false}
        value=${level.filter.value}
        onInput=${(event: { currentTarget: HTMLInputElement }) => {
          level.filter.value = event.currentTarget.value
        }}
        onKeyDown=${(event: KeyboardEvent) => {
          if (event.key === 'Enter') event.preventDefault()
        }}
      />`
    }
  </div>`
}

function KeyTree({ level }: { level: ConfigLevelState }): VNode {
  const nodes = level.tree.value
  if (nodes.length === 0 && level.filter.value !== '')
    return html`<p class="level-note no-keys" role="status">No key matches.</p>`
  return html`<${KeyNodes} nodes=${nodes} level=${level} prefix="" />`
}

function KeyNodes({
  nodes,
  level,
  prefix,
}: {
  nodes: readonly KeyNode[]
  level: ConfigLevelState
  prefix: string
}): VNode {
  const drawnCount = useSignal(rowsPerFrame)
  useEffect(() => {
    if (drawnCount.value >= nodes.length) return
    const frame = requestAnimationFrame(() => {
      drawnCount.value += rowsPerFrame
    })
    return () => cancelAnimationFrame(frame)
  }, [drawnCount.value, nodes])
  return html`${nodes
    .slice(0, drawnCount.value)
    .map((node) =>
      typeof node === 'string'
        ? html`<${KeyRow} key=${node} name=${node} level=${level} prefix=${prefix} />`
        : html`<${KeyGroup} key=${node.prefix} group=${node} level=${level} prefix=${prefix} />`,
    )}`
}

function KeyGroup({
  group,
  level,
  prefix,
}: {
  group: KeyGroupNode
  level: ConfigLevelState
  prefix: string
}): VNode {
  const id = useId()
  const expanded = level.isExpanded(group.prefix)
  // Whoever filters wants to see what is found.
  const shown = useComputed(() => expanded.value || level.filter.value !== '').value
  const overridden = useComputed(
    () => level.overrides.value.filter(([key]) => key.startsWith(group.prefix)).length,
  ).value
  return html`<div class="group" role="group" aria-label=${group.prefix}>
    <button
      type="button"
      class="group-head"
      aria-expanded=${shown}
      aria-controls=${id}
      onClick=${() => {
        expanded.value = !expanded.value
      }}
    >
      <${Icon} name="down" /><span class="key">${group.prefix.slice(prefix.length)}</span>
      <span class="level-note">${pluralize(group.size, 'key')}${overridden > 0 && `, ${overridden} overridden`}</span>
    </button>
    <div class="group-rows" id=${id}>
      ${shown && html`<${KeyNodes} nodes=${group.nodes} level=${level} prefix=${group.prefix} />`}
    </div>
  </div>`
}
