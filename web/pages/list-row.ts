/** One deployment in the list. Redrawn alone when only it has changed; when it has only moved, just its number is. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Override } from '../../domain/overrides.ts'
import { Ago } from '../parts/ago.ts'
import { Links } from '../parts/links.ts'
import { Marked } from '../parts/marked.ts'
import { MoveMenu } from '../parts/moves.ts'
import { Overrides } from '../parts/overrides.ts'
import { StatusMark } from '../parts/status.ts'
import { deploymentPath } from '../routes.ts'
import { fieldsOf, markable, type Word } from '../search.ts'
import type { Row } from '../store.ts'
import { isPutAway } from '../words.ts'

/** `opened`: see parts/overrides.ts. */
type Props = { row: Row; words: readonly Word[]; opened: Set<string> }

/** `index`: among all rows, drawn or not; the head of the table is the first of them. */
export function ListRow({ name, index, row, words, opened }: Props & { name: string; index: number }): VNode {
  return html`<tr data-name=${name} aria-rowindex=${index + 2} class=${isPutAway(row.value) ? 'away' : ''}>
    <${Cells} row=${row} words=${words} opened=${opened} />
  </tr>`
}

function Cells({ row, words, opened }: Props): VNode {
  const info = row.value
  const { name, app_overrides, deployment_overrides } = info.deployment
  const marked = words.length === 0 ? () => [] : markable(words, fieldsOf(info))
  const level = (title: string, overrides: readonly unknown[]) =>
    html`<${Overrides} level=${title} opened=${opened} overrides=${overrides as Override[]} marked=${marked} />`
  return html`<th scope="row" class="cell-name">
      <a class="name" href=${deploymentPath(name)}><${Marked} text=${name} spans=${marked(name)} /></a>
    </th>
    <td class="cell-status"><${StatusMark} info=${info} /></td>
    <td class="cell-links"><${Links} links=${info.metadata} /></td>
    <td class="cell-config">${level('Application', app_overrides)}${level('Deployment', deployment_overrides)}</td>
    <td class="cell-time cell-created"><span class="cell-label">Created </span><${Ago} at=${info.created_at} /></td>
    <td class="cell-time cell-changed"><span class="cell-label">Changed </span><${Ago} at=${info.updated_at} /></td>
    <td class="cell-menu"><${MoveMenu} info=${info} /></td>`
}
