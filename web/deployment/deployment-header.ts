/** The head of a deployment's page: status and its reason, last check, links, what can be done. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { kindFromWireName } from '../../domain/actions.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { actionOutcomeLabel, activeAction, isArchived } from '../format.ts'
import { RelativeTime } from '../ui/relative-time.ts'
import { ActionButtons } from './action-menu.ts'
import { DashboardLink, DeploymentLinks } from './deployment-links.ts'
import type { LastCheck } from './deployment-resource.ts'
import { StatusBadge } from './status-badge.ts'

export function DeploymentHeader({ info, lastCheck }: { info: FullInfo; lastCheck: LastCheck }): VNode {
  const { name } = info.deployment
  const last = activeAction(info) === null ? info.last_action : null
  return html`<header class="head">
    <div class="head-top">
      <h1>${name}</h1>
      <${StatusBadge} info=${info} brief />
      <${ActionButtons} info=${info} />
    </div>
    <div class="head-links"><${DeploymentLinks} links=${info.metadata} /><${DashboardLink} name=${name} /></div>
    <dl class="facts">
      ${
        last !== null &&
        html`<div>
          <dt>Last action</dt>
          <dd>
            ${kindFromWireName(last.action)} by ${last.actor} ${actionOutcomeLabel(last)}, <${RelativeTime} at=${last.finished_at ?? last.created_at} />
            ${last.error !== null && html`<span class="fact-words">${last.error}</span>`}
          </dd>
        </div>`
      }
      ${
        !isArchived(info) &&
        html`<div>
          <dt>Last check</dt>
          <dd>${lastCheck === null ? 'none yet' : html`${checkLabel(lastCheck)}, <${RelativeTime} at=${lastCheck.checked_at} />`}</dd>
        </div>`
      }
      <div><dt>Created</dt><dd><${RelativeTime} at=${info.created_at} /></dd></div>
      <div><dt>Changed</dt><dd><${RelativeTime} at=${info.updated_at} /></dd></div>
    </dl>
  </header>`
}

function checkLabel({ exit_code, error }: NonNullable<LastCheck>): string {
  if (exit_code === null) return String(error)
  return exit_code === 0 ? 'fine' : `not fine (exit ${exit_code})`
}
