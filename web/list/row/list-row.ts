/**
 * One row of the list. Redrawn alone when its deployment changes; when it only moves, only its index is
 * redrawn.
 */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { type Override, overridesFromWire } from '../../../domain/overrides.ts'
import type { FullInfo } from '../../../domain/schemas.ts'
import { ActionMenu } from '../../deployment/action-menu.ts'
import { OwnerName } from '../../deployment/owner-name.ts'
import { StatusBadge } from '../../deployment/status-badge.ts'
import { isArchived } from '../../deployment/status-labels.ts'
import type { DeploymentSignal } from '../../live/deployment-store.ts'
import { deploymentPath } from '../../routes.ts'
import { Highlight } from '../../ui/highlight.ts'
import { RelativeTime } from '../../ui/relative-time.ts'
import { createHighlighter, type SearchTerm, type Span, searchFields } from '../search.ts'
import { RowSelect } from '../selection/row-select.ts'
import { OverrideLabels } from './override-labels.ts'
import { RowLabels } from './row-labels.ts'
import { RowLinks } from './row-links.ts'

/** `expandedLevels`: see override-labels.ts. `deleted`: the deployment is gone, but its row keeps its place. */
type Props = {
  row: DeploymentSignal
  terms: readonly SearchTerm[]
  expandedLevels: Set<string>
  deleted: boolean
  /** The names of all rows as they are shown; null when rows cannot be selected. */
  order: (() => readonly string[]) | null
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
  order,
}: Props & { name: string; index: number }): VNode {
  return html`<tr data-name=${name} aria-rowindex=${index + 2} class=${deleted || isArchived(row.value) ? 'archived' : ''}>
    <${Cells} row=${row} terms=${terms} expandedLevels=${expandedLevels} deleted=${deleted} order=${order} />
  </tr>`
}

function Cells({ row, terms, expandedLevels, deleted, order }: Props): VNode {
  const info = row.value
  const { name } = info.deployment
  const { application, deployment } = overridesFromWire(info.deployment)
  const highlightSpans = terms.length === 0 ? () => [] : createHighlighter(terms, searchFields(info))
  const level = (title: string, overrides: readonly Override[]) =>
    html`<${OverrideLabels} level=${title} expandedLevels=${expandedLevels} overrides=${overrides} highlightSpans=${highlightSpans} />`
  const isGone = deleted || isArchived(info)
  return html`${order !== null && html`<td class="cell-select">${!deleted && html`<${RowSelect} name=${name} order=${order} />`}</td>`}
    <th scope="row" class="cell-name">
      <a class="deployment-name" href=${deploymentPath(name)} title=${name}><${Highlight} text=${name} spans=${highlightSpans(name)} /></a>
      <${SecondLine} info=${info} highlightSpans=${highlightSpans} />
      <${RowLabels} labels=${info.labels ?? {}} highlightSpans=${highlightSpans} />
    </th>
    <td class="cell-status">${deleted ? html`<span class="status-label">Deleted</span>` : html`<${StatusBadge} info=${info} />`}</td>
    <td class="cell-links">${!isGone && html`<${RowLinks} name=${name} links=${info.metadata} />`}</td>
    <td class="cell-config">${level('Application', application)}${level('Deployment', deployment)}</td>
    <td class="cell-time cell-created"><span class="cell-label">Created </span><${RelativeTime} time=${info.created_at} /></td>
    <td class="cell-time cell-changed"><span class="cell-label">Changed </span><${RelativeTime} time=${info.updated_at} /></td>
    <td class="cell-menu">${!deleted && html`<${ActionMenu} info=${info} />`}</td>`
}

/** The title and the owner, on one line. */
function SecondLine({
  info,
  highlightSpans,
}: {
  info: FullInfo
  highlightSpans: (text: string) => Span[]
}): VNode | null {
  const { title, owner } = info
  if (!title && !owner) return null
  return html`<span class="row-owner">
    ${title && html`<span class="row-title" title=${title}><${Highlight} text=${title} spans=${highlightSpans(title)} /></span>`}
    ${owner && html`<span><span class="visually-hidden">Owner </span><${OwnerName} owner=${owner} /></span>`}
  </span>`
}
