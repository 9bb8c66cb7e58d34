/**
 * One config level in the form, as a tree of dotted keys. Its state is in config-level-state.ts; one key is
 * drawn by key-row.ts.
 */
import { useComputed, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useId } from 'preact/hooks'
import { filterAboveKeys, KeyFilter } from '../config/key-filter.ts'
import { pluralize } from '../format.ts'
import { docPath } from '../help/doc-paths.ts'
import { ElapsedTime } from '../ui/elapsed-time.ts'
import { ErrorBox } from '../ui/error-box.ts'
import { Icon } from '../ui/icon.ts'
import type { ConfigLevelState } from './config-level-state.ts'
import { KeyRow } from './key-row.ts'
import type { KeyGroupNode, KeyNode } from './key-tree.ts'
import { NewKeyRow } from './new-key-row.ts'

/** Rows added per frame, so that a large form opens without delay. */
const rowsPerFrame = 40

export function ConfigLevelEditor({
  level,
  onRetry,
}: {
  level: ConfigLevelState
  onRetry: () => void
}): VNode {
  const { error, state } = level.defaults.value
  const missing = state === 'failed' ? 'defaults' : 'suggested keys'
  const title = `Could not load the ${missing}`
  return html`<section class="config-level" aria-label=${level.title} aria-busy=${state === 'loading'}>
    <${LevelHeader} level=${level} />
    <p class="level-help">${level.help} <a href=${docPath('guide', 'config-levels-and-overrides')} target="_blank" rel="noopener">More about levels and overrides</a></p>
    ${error !== null && html`<${ErrorBox} title=${title} error=${error} onRetry=${onRetry} />`}
    <div class="key-rows"><${KeyTree} level=${level} /><${NewKeyRow} level=${level} /></div>
  </section>`
}

function LevelHeader({ level }: { level: ConfigLevelState }): VNode {
  const { state, pairs } = level.defaults.value
  const { size } = level.rows.value
  const overrides = level.overrides.value.length
  return html`<div class="level-header">
    <h3>${level.title}</h3>
    <span class="level-note" role="status">
      ${state === 'waiting' && 'Waiting for the deployment config'}
      ${state === 'loading' && html`${pairs.length > 0 ? 'Loading new defaults' : 'Loading defaults'} <${ElapsedTime} />`}
      ${(state === 'ready' || state === 'failed') && overrides > 0 && pluralize(overrides, 'override')}
    </span>
    ${
      size > filterAboveKeys &&
      html`<${KeyFilter} filter=${level.filter} count=${size} title=${level.title} />`
    }
  </div>`
}

function KeyTree({ level }: { level: ConfigLevelState }): VNode {
  const nodes = level.tree.value
  if (nodes.length === 0 && level.filter.value !== '')
    return html`<p class="level-note no-match" role="status">No key matches.</p>`
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
  // Groups are expanded while a filter is set.
  const shown = useComputed(() => expanded.value || level.filter.value !== '').value
  const overridden = useComputed(
    () => level.overrides.value.filter(([key]) => key.startsWith(group.prefix)).length,
  ).value
  return html`<div class="key-group" role="group" aria-label=${group.prefix}>
    <button
      type="button"
      class="key-group-header"
      aria-expanded=${shown}
      aria-controls=${id}
      onClick=${() => {
        expanded.value = !expanded.value
      }}
    >
      <${Icon} name="down" /><span class="config-key">${group.prefix.slice(prefix.length)}</span>
      <span class="level-note">${pluralize(group.size, 'key')}${overridden > 0 && `, ${overridden} overridden`}</span>
    </button>
    <div class="key-group-rows" id=${id}>
      ${shown && html`<${KeyNodes} nodes=${group.nodes} level=${level} prefix=${group.prefix} />`}
    </div>
  </div>`
}
