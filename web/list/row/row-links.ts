/** The links of a deployment in its row: the first ones, and a menu with the others, so that every row has the same height. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { isSafeLink } from '../../../domain/safe-link.ts'
import type { Link } from '../../../domain/schemas.ts'
import { DeploymentLinks } from '../../deployment/deployment-links.ts'
import { Menu } from '../../ui/menu.ts'

const shownCount = 2

type Props = { name: string; links: readonly Link[] }

export function RowLinks({ name, links }: Props): VNode | null {
  if (links.length === 0) return null
  const others = links.slice(shownCount)
  const items = () =>
    others.map(({ name, link }) => ({
      text: name || link,
      disabledReason: isSafeLink(link) ? null : 'No http or https address.',
      ...(isSafeLink(link) && { href: link }),
      onSelect() {},
    }))
  return html`<div class="row-links">
    <${DeploymentLinks} links=${links.slice(0, shownCount)} />
    ${others.length > 0 && html`<${Menu} label=${`${others.length} more links of ${name}`} text=${`${others.length} more`} items=${items} />`}
  </div>`
}
