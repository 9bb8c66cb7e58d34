/** One config level in the form, as a tree of its dotted keys. Its state: editing.ts; one key: row.ts. */
import { useComputed, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useId } from 'preact/hooks'
import { Icon } from '../parts/icon.ts'
import { ProblemBox } from '../parts/problem.ts'
import { Waited } from '../parts/waited.ts'
import { count } from '../words.ts'
import type { Level } from './editing.ts'
import { NewRow } from './new-row.ts'
import { EditRow } from './row.ts'
import type { Group, Node } from './tree.ts'

/** With fewer keys nobody needs a filter. */
const fewKeys = 12
/** Rows drawn in one frame: the form opens at once whatever its size. */
const step = 40

export function LevelEditor({ level, again }: { level: Level; again: () => void }): VNode {
  const { problem, state } = level.defaults.value
  const what = state === 'failed' ? 'defaults' : 'suggested keys'
  const title = `The ${what} could not be loaded`
  return html`<section class="config-level" aria-label=${level.title} aria-busy=${state === 'loading'}>
    <${LevelHead} level=${level} />
    ${problem !== null && html`<${ProblemBox} title=${title} problem=${problem} again=${again} />`}
    <div class="rows"><${Tree} level=${level} /><${NewRow} level=${level} /></div>
  </section>`
}

function LevelHead({ level }: { level: Level }): VNode {
  const { state, pairs } = level.defaults.value
  const { size } = level.rows.value
  const overrides = level.overrides.value.length
  return html`<div class="level-head">
    <h3>${level.title}</h3>
    <span class="level-note" role="status">
      ${state === 'waiting' && 'Waits for the deployment config'}
      ${state === 'loading' && html`${pairs.length > 0 ? 'Loading new defaults' : 'Loading defaults'} <${Waited} />`}
      ${(state === 'ready' || state === 'failed') && overrides > 0 && count(overrides, 'override')}
    </span>
    ${
      size > fewKeys &&
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

function Tree({ level }: { level: Level }): VNode {
  const nodes = level.tree.value
  if (nodes.length === 0 && level.filter.value !== '')
    return html`<p class="level-note no-keys" role="status">No key matches.</p>`
  return html`<${Nodes} nodes=${nodes} level=${level} prefix="" />`
}

function Nodes({ nodes, level, prefix }: { nodes: readonly Node[]; level: Level; prefix: string }): VNode {
  const drawn = useSignal(step)
  useEffect(() => {
    if (drawn.value >= nodes.length) return
    const frame = requestAnimationFrame(() => {
      drawn.value += step
    })
    return () => cancelAnimationFrame(frame)
  }, [drawn.value, nodes])
  return html`${nodes
    .slice(0, drawn.value)
    .map((node) =>
      typeof node === 'string'
        ? html`<${EditRow} key=${node} name=${node} level=${level} prefix=${prefix} />`
        : html`<${GroupRows} key=${node.prefix} group=${node} level=${level} prefix=${prefix} />`,
    )}`
}

function GroupRows({ group, level, prefix }: { group: Group; level: Level; prefix: string }): VNode {
  const id = useId()
  const open = level.isOpen(group.prefix)
  // Whoever filters wants to see what is found.
  const shown = useComputed(() => open.value || level.filter.value !== '').value
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
        open.value = !open.value
      }}
    >
      <${Icon} name="down" /><span class="key">${group.prefix.slice(prefix.length)}</span>
      <span class="level-note">${count(group.size, 'key')}${overridden > 0 && `, ${overridden} overridden`}</span>
    </button>
    <div class="group-rows" id=${id}>
      ${shown && html`<${Nodes} nodes=${group.nodes} level=${level} prefix=${group.prefix} />`}
    </div>
  </div>`
}
