/** One deployment in the list. Redrawn alone when only it has changed; when it has only moved, just its number is. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Override } from '../../domain/overrides.ts'
import { ActionMenu } from '../deployment/action-menu.ts'
import { DeploymentLinks } from '../deployment/deployment-links.ts'
import { StatusBadge } from '../deployment/status-badge.ts'
import { isArchived } from '../format.ts'
import type { DeploymentSignal } from '../live/deployment-store.ts'
import { deploymentPath } from '../routes.ts'
import { Highlight } from '../ui/highlight.ts'
import { RelativeTime } from '../ui/relative-time.ts'
import { OverrideLabels } from './override-labels.ts'
import { createHighlighter, type SearchTerm, searchFields } from './search.ts'

/** `opened`: see parts/overrides.ts. */
type Props = { row: DeploymentSignal; words: readonly SearchTerm[]; opened: Set<string> }

/** `index`: among all rows, drawn or not; the head of the table is the first of them. */
export function ListRow({ name, index, row, words, opened }: Props & { name: string; index: number }): VNode {
  return html`<tr data-name=${name} aria-rowindex=${index + 2} class=${isArchived(row.value) ? 'away' : ''}>
    <${Cells} row=${row} words=${words} opened=${opened} />
  </tr>`
}

function Cells({ row, words, opened }: Props): VNode {
  const info = row.value
  const { name, app_overrides, deployment_overrides } = info.deployment
  const marked = words.length === 0 ? () => [] : createHighlighter(words, searchFields(info))
  const level = (title: string, overrides: readonly unknown[]) =>
    html`<${OverrideLabels} level=${title} opened=${opened} overrides=${overrides as Override[]} marked=${marked} />`
  return html`<th scope="row" class="cell-name">
      <a class="name" href=${deploymentPath(name)}><${Highlight} text=${name} spans=${marked(name)} /></a>
    </th>
    <td class="cell-status"><${StatusBadge} info=${info} /></td>
    <td class="cell-links"><${DeploymentLinks} links=${info.metadata} /></td>
    <td class="cell-config">${level('Application', app_overrides)}${level('Deployment', deployment_overrides)}</td>
    <td class="cell-time cell-created"><span class="cell-label">Created </span><${RelativeTime} at=${info.created_at} /></td>
    <td class="cell-time cell-changed"><span class="cell-label">Changed </span><${RelativeTime} at=${info.updated_at} /></td>
    <td class="cell-menu"><${ActionMenu} info=${info} /></td>`
}
