/** One deployment in the list. Redrawn alone when only it has changed. */
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
import type { Row } from '../store.ts'
import { isPutAway } from '../words.ts'

export function ListRow({ row, words }: { row: Row; words: readonly string[] }): VNode {
  const info = row.value
  const { name, app_overrides, deployment_overrides } = info.deployment
  // The application's own config is what people look for first.
  const overrides = [...app_overrides, ...deployment_overrides] as Override[]
  return html`<tr class=${isPutAway(info) ? 'away' : ''}>
    <th scope="row" class="cell-name">
      <a class="name" href=${deploymentPath(name)}><${Marked} text=${name} words=${words} /></a>
    </th>
    <td class="cell-status"><${StatusMark} info=${info} /></td>
    <td class="cell-links"><${Links} links=${info.metadata} /></td>
    <td class="cell-config"><${Overrides} overrides=${overrides} words=${words} /></td>
    <td class="cell-time cell-created"><span class="cell-label">Created </span><${Ago} at=${info.created_at} /></td>
    <td class="cell-time cell-changed"><span class="cell-label">Changed </span><${Ago} at=${info.updated_at} /></td>
    <td class="cell-menu"><${MoveMenu} info=${info} /></td>
  </tr>`
}
