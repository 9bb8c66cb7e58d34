/** The links of a deployment, and its dashboard. Anything but http and https is shown as text and leads nowhere. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { isSafeLink } from '../../domain/link.ts'
import type { Link } from '../../domain/shapes.ts'
import { useWorld, type World } from '../world.ts'
import { Icon } from './icon.ts'

export function Links({ links }: { links: readonly Link[] }): VNode | null {
  if (links.length === 0) return null
  return html`<ul class="links">
    ${links.map(({ name, link }, at) => html`<li key=${at}><${Outside} href=${link} text=${name || link} /></li>`)}
  </ul>`
}

export function Outside({ href, text }: { href: string; text: string }): VNode {
  if (!isSafeLink(href)) return html`<span class="no-link" title=${href}>${text}</span>`
  return html`<a href=${href} target="_blank" rel="noopener noreferrer">${text}<${Icon} name="out" /></a>`
}

export function Dashboard({ name }: { name: string }): VNode | null {
  const href = dashboardOf(useWorld(), name)
  return href === null ? null : html`<${Outside} href=${href} text="Dashboard" />`
}

export function dashboardOf({ config }: World, name: string): string | null {
  const template = config.kubernetes_dashboard_url_template
  return template !== null && isSafeLink(template + name) ? template + name : null
}
