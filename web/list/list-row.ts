/**
 * One row of the list. Redrawn alone when its deployment changes; when it only moves, only its index is
 * redrawn.
 */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { type Override, overridesFromWire } from '../../domain/overrides.ts'
import { ActionMenu } from '../deployment/action-menu.ts'
import { DeploymentLinks } from '../deployment/deployment-links.ts'
import { OwnerName } from '../deployment/owner-name.ts'
import { StatusBadge } from '../deployment/status-badge.ts'
import { isArchived } from '../deployment/status-labels.ts'
import type { DeploymentSignal } from '../live/deployment-store.ts'
import { deploymentPath } from '../routes.ts'
import { Highlight } from '../ui/highlight.ts'
import { RelativeTime } from '../ui/relative-time.ts'
import { OverrideLabels } from './override-labels.ts'
import { createHighlighter, type SearchTerm, searchFields } from './search.ts'

/** `expandedLevels`: see override-labels.ts. `deleted`: the deployment is gone, but its row keeps its place. */
type Props = {
  row: DeploymentSignal
  terms: readonly SearchTerm[]
  expandedLevels: Set<string>
  deleted: boolean
}

/**
 * `index`: position among all rows, drawn or not. The header row counts as the first row for
 * `aria-rowindex`.
 */
export function ListRow({
  name,
  index,
  row,
  terms,
  expandedLevels,
  deleted,
}: Props & { name: string; index: number }): VNode {
  return html`<tr data-name=${name} aria-rowindex=${index + 2} class=${deleted || isArchived(row.value) ? 'archived' : ''}>
    <${Cells} row=${row} terms=${terms} expandedLevels=${expandedLevels} deleted=${deleted} />
  </tr>`
}

function Cells({ row, terms, expandedLevels, deleted }: Props): VNode {
  const info = row.value
  const { name } = info.deployment
  const { application, deployment } = overridesFromWire(info.deployment)
  const highlightSpans = terms.length === 0 ? () => [] : createHighlighter(terms, searchFields(info))
  const level = (title: string, overrides: readonly Override[]) =>
    html`<${OverrideLabels} level=${title} expandedLevels=${expandedLevels} overrides=${overrides} highlightSpans=${highlightSpans} />`
  return html`<th scope="row" class="cell-name">
      <a class="deployment-name" href=${deploymentPath(name)}><${Highlight} text=${name} spans=${highlightSpans(name)} /></a>${info.owner && html`<span class="row-owner"><span class="visually-hidden">Owner </span><${OwnerName} owner=${info.owner} /></span>`}
    </th>
    <td class="cell-status">${deleted ? html`<span class="status-label">Deleted</span>` : html`<${StatusBadge} info=${info} />`}</td>
    <td class="cell-links"><${DeploymentLinks} links=${info.metadata} /></td>
    <td class="cell-config">${level('Application', application)}${level('Deployment', deployment)}</td>
    <td class="cell-time cell-created"><span class="cell-label">Created </span><${RelativeTime} time=${info.created_at} /></td>
    <td class="cell-time cell-changed"><span class="cell-label">Changed </span><${RelativeTime} time=${info.updated_at} /></td>
    <td class="cell-menu">${!deleted && html`<${ActionMenu} info=${info} />`}</td>`
}
