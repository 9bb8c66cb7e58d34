/** The header of a deployment's page: status and reason, last check, links, action buttons. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { kindFromWireName } from '../../domain/actions.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { RelativeTime } from '../ui/relative-time.ts'
import { ActionButtons } from './action-menu.ts'
import { DashboardLink, DeploymentLinks } from './deployment-links.ts'
import type { LastCheck } from './deployment-resource.ts'
import { StatusBadge } from './status-badge.ts'
import { actionOutcomeLabel, activeAction, isArchived } from './status-labels.ts'

export function DeploymentHeader({ info, lastCheck }: { info: FullInfo; lastCheck: LastCheck }): VNode {
  const { name } = info.deployment
  const last = activeAction(info) === null ? info.last_action : null
  return html`<header class="deployment-header">
    <div class="deployment-header-top">
      <h1>${name}</h1>
      <${StatusBadge} info=${info} compact />
      <${ActionButtons} info=${info} />
    </div>
    <div class="deployment-links-row"><${DeploymentLinks} links=${info.metadata} /><${DashboardLink} name=${name} /></div>
    <dl class="deployment-facts">
      ${
        last !== null &&
        html`<div>
          <dt>Last action</dt>
          <dd>
            ${kindFromWireName(last.action)} by ${last.actor} ${actionOutcomeLabel(last)}, <${RelativeTime} time=${last.finished_at ?? last.created_at} />
            ${last.error !== null && html`<span class="fact-note">${last.error}</span>`}
          </dd>
        </div>`
      }
      ${
        !isArchived(info) &&
        html`<div>
          <dt>Last check</dt>
          <dd>${lastCheck === null ? 'none yet' : html`${checkLabel(lastCheck)}, <${RelativeTime} time=${lastCheck.checked_at} />`}</dd>
        </div>`
      }
      <div><dt>Created</dt><dd><${RelativeTime} time=${info.created_at} /></dd></div>
      <div><dt>Changed</dt><dd><${RelativeTime} time=${info.updated_at} /></dd></div>
    </dl>
  </header>`
}

function checkLabel({ exit_code, error }: NonNullable<LastCheck>): string {
  if (exit_code === null) return String(error)
  return exit_code === 0 ? 'healthy' : `unhealthy (exit ${exit_code})`
}
