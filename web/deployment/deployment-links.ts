/**
 * The links of a deployment and its dashboard. Only http and https URLs become links; others are shown as
 * text.
 */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { isSafeLink } from '../../domain/safe-link.ts'
import type { Link } from '../../domain/schemas.ts'
import { type AppContext, useApp } from '../app-context.ts'
import { CopyButton } from '../ui/copy-button.ts'
import { Icon } from '../ui/icon.ts'

export function DeploymentLinks({ links }: { links: readonly Link[] }): VNode | null {
  if (links.length === 0) return null
  return html`<ul class="links">
    ${links.map(({ name, link }, index) => html`<li key=${index}><${ExternalLink} href=${link} text=${name || link} /></li>`)}
  </ul>`
}

function ExternalLink({ href, text }: { href: string; text: string }): VNode {
  if (!isSafeLink(href)) return html`<span class="unsafe-link" title=${href}>${text}</span>`
  return html`<a href=${href} target="_blank" rel="noopener noreferrer">${text}<${Icon} name="out" /></a>`
}

/** On the page of a deployment: the first link with its whole address, then the others. Each can be copied. */
export function MainLinks({ links, name }: { links: readonly Link[]; name: string }): VNode | null {
  const dashboard = dashboardUrl(useApp(), name)
  const all = [...links, ...(dashboard === null ? [] : [{ name: 'Dashboard', link: dashboard }])]
  if (all.length === 0) return null
  return html`<ul class="main-links">
    ${all.map(({ name: text, link }, index) => {
      const isMain = index === 0 && links.length > 0
      return html`<li key=${index} class=${isMain ? 'main-link' : ''}>
        ${isMain && text !== '' && text !== link && html`<span class="link-name">${text}</span>`}
        <${ExternalLink} href=${link} text=${isMain ? link.replace(/^https?:[/][/]|[/]$/g, '') : text || link} />
        ${isSafeLink(link) && html`<${CopyButton} text=${link} label=${`Copy ${link}`} />`}
      </li>`
    })}
  </ul>`
}

export function dashboardUrl({ config }: AppContext, name: string): string | null {
  const template = config.kubernetes_dashboard_url_template
  return template !== null && isSafeLink(template + name) ? template + name : null
}
