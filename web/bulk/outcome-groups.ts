/** The outcomes of a change or a preview, counted: changed, unchanged, and refused by reason. Each opens into its deployments. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { BulkLine } from '../../domain/changes/bulk-schemas.ts'
import { inPageWords } from '../deployment/status-labels.ts'
import { namesWith } from './bulk-task.ts'

/** `words`: what follows the count of those that are accepted. */
type Props = { lines: readonly BulkLine[]; words: { accepted: string; unchanged: string; refused: string } }

export function OutcomeGroups({ lines, words }: Props): VNode {
  const accepted = namesWith('accepted', lines)
  const unchanged = namesWith('unchanged', lines)
  const refused = lines.filter(({ outcome }) => outcome === 'refused')
  return html`<ul class="bulk-outcomes">
    ${accepted.length > 0 && html`<${Group} key="accepted" tone="success" count=${accepted.length} text=${words.accepted} names=${accepted} />`}
    ${unchanged.length > 0 && html`<${Group} key="unchanged" tone="inactive" count=${unchanged.length} text=${words.unchanged} names=${unchanged} />`}
    ${groupByReason(refused).map(([reason, names]) => html`<${Group} key=${reason} tone="error" count=${names.length} text=${words.refused} reason=${reason} names=${names} />`)}
  </ul>`
}

/** The names are one text: a thousand elements would take 110 ms. */
type GroupProps = { tone: string; count: number; text: string; reason?: string; names: readonly string[] }

function Group({ tone, count, text, reason, names }: GroupProps): VNode {
  const isOpen = useSignal(false)
  const onToggle = (event: { currentTarget: HTMLDetailsElement }) => {
    isOpen.value = event.currentTarget.open
  }
  return html`<li data-tone=${tone}>
    <details onToggle=${onToggle}>
      <summary><span><strong>${count.toLocaleString()}</strong> ${text}${reason !== undefined && `: ${reason}`}</span></summary>
      ${isOpen.value && html`<p class="bulk-names">${names.join(', ')}</p>`}
    </details>
  </li>`
}

/** The reasons differ only in the name of the deployment for most: those are one. */
export function groupByReason(refused: readonly BulkLine[]): [reason: string, names: string[]][] {
  const groups = new Map<string, BulkLine[]>()
  for (const line of refused) {
    const { name } = line
    const reason = messageOf(line).replaceAll(new RegExp(`(?<![a-z0-9-])${name}(?![a-z0-9-])`, 'g'), '…')
    groups.set(reason, [...(groups.get(reason) ?? []), line])
  }
  return [...groups].map(([reason, lines]) => [
    lines.length === 1 && lines[0] !== undefined ? messageOf(lines[0]) : reason,
    lines.map(({ name }) => name),
  ])
}

const messageOf = ({ error }: BulkLine): string => inPageWords(error?.message ?? '')
