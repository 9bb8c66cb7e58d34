/** The header of a deployment's page: status and reason, last check, links, action buttons. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { FullInfo } from '../../domain/schemas.ts'
import { useApp } from '../app-context.ts'
import { RelativeTime } from '../ui/relative-time.ts'
import { ActionButtons } from './action-menu.ts'
import { DashboardLink, DeploymentLinks } from './deployment-links.ts'
import type { LastCheck } from './deployment-resource.ts'
import { OwnerName } from './owner-name.ts'
import { StatusBadge } from './status-badge.ts'
import { checkOutcome, isArchived, statusOf } from './status-labels.ts'

type Props = { info: FullInfo; lastCheck: LastCheck; waitsUntil: string | null }

export function DeploymentHeader({ info, lastCheck, waitsUntil }: Props): VNode {
  const { name } = info.deployment
  const owner = info.owner ?? null
  // Without people nobody owns anything.
  const hasOwners = useApp().identity.permissions.value?.respectsOwners === true
  return html`<header class="deployment-header">
    <div class="deployment-header-top">
      <div class="deployment-title">
        <h1>${name}</h1>
        <${StatusBadge} info=${info} compact />
        <div class="deployment-links-row"><${DeploymentLinks} links=${info.metadata} /><${DashboardLink} name=${name} /></div>
      </div>
      <${ActionButtons} info=${info} />
    </div>
    <dl class="deployment-facts">
      ${
        !isArchived(info) &&
        html`<div>
          <dt>Last check${lastCheck !== null && html`, <${RelativeTime} time=${lastCheck.checked_at} />`}</dt>
          <dd class="check-outcome">${lastCheck === null ? 'None yet' : checkOutcome(lastCheck, statusOf(info), waitsUntil)}</dd>
        </div>`
      }
      ${(owner !== null || hasOwners) && html`<div><dt>Owner</dt><dd>${owner === null ? 'Nobody' : html`<${OwnerName} owner=${owner} />`}</dd></div>`}
      <div><dt>Created</dt><dd><${RelativeTime} time=${info.created_at} /></dd></div>
      <div><dt>Changed</dt><dd><${RelativeTime} time=${info.updated_at} /></dd></div>
    </dl>
  </header>`
}
