/** The header of a deployment's page: where it runs, its status with the reason, its facts, and the action buttons. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { activeAction, statusOf } from '../../client/action-outcome.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { isPending } from '../../domain/statuses.ts'
import { useApp } from '../app-context.ts'
import { formatClock } from '../format.ts'
import { TimeButton } from '../ui/relative-time.ts'
import { ActionButtons } from './action-menu.ts'
import { MainLinks } from './deployment-links.ts'
import type { LastCheck } from './deployment-resource.ts'
import { OwnerName } from './owner-name.ts'
import { StatusIcon } from './status-badge.ts'
import { checkOutcome, isArchived, pageStatus } from './status-labels.ts'

type Props = { info: FullInfo; lastCheck: LastCheck; waitsUntil: string | null }

export function DeploymentHeader({ info, lastCheck, waitsUntil }: Props): VNode {
  const { name } = info.deployment
  const owner = info.owner ?? null
  // Without people nobody owns anything.
  const hasOwners = useApp().identity.permissions.value?.respectsOwners === true
  return html`<header class="deployment-header">
    <div class="deployment-header-top">
      <div class="deployment-title">
        <h1>${name}${info.title && html` <small class="title">${info.title}</small>`}</h1>
        <${MainLinks} links=${isArchived(info) ? [] : info.metadata} name=${name} />
      </div>
      <${ActionButtons} info=${info} />
    </div>
    <${StatusLine} info=${info} lastCheck=${lastCheck} waitsUntil=${waitsUntil} />
    <dl class="deployment-facts">
      ${(owner !== null || hasOwners) && html`<div><dt>Owner</dt><dd>${owner === null ? 'Nobody' : html`<${OwnerName} owner=${owner} />`}</dd></div>`}
      <div><dt>Created</dt><dd><${TimeButton} time=${info.created_at} /></dd></div>
      <div><dt>Changed</dt><dd><${TimeButton} time=${info.updated_at} /></dd></div>
      ${Object.keys(info.labels ?? {}).length > 0 && html`<div><dt>Labels</dt><dd><${Labels} labels=${info.labels} /></dd></div>`}
    </dl>
  </header>`
}

const Labels = ({ labels = {} }: { labels: Readonly<Record<string, string>> | undefined }): VNode =>
  html`<ul class="labels">${Object.entries(labels).map(([key, value]) => html`<li key=${key} class="label">${key}${value !== '' && html`=<strong>${value}</strong>`}</li>`)}</ul>`

/**
 * The status of the deployment and, as its reason, the words of the last check. What the last action did is said by its panel
 * below, and not here.
 */
function StatusLine({ info, lastCheck, waitsUntil }: Props): VNode {
  const { label, tone } = pageStatus(info)
  const active = activeAction(info)
  const { pauses } = useApp()
  const paused = isPending(statusOf(info)) ? undefined : pauses.value.find(({ what }) => what === 'checks')
  // While an action runs, an earlier check says nothing about its result.
  const showsCheck = !isArchived(info) && (active === null || isPending(statusOf(info)))
  return html`<div class="status-line" data-tone=${tone}>
    <span class="status"><${StatusIcon} tone=${tone} /><span class="status-label">${label}</span></span>
    ${
      showsCheck &&
      html`<p class="check-outcome">
        ${lastCheck === null ? 'No health check yet' : checkOutcome(lastCheck, statusOf(info), waitsUntil)}
        ${lastCheck !== null && html` <span class="check-time"><${TimeButton} time=${lastCheck.checked_at} /></span>`}
        ${paused !== undefined && html`<br />Checks are paused since ${formatClock(paused.since)}.`}
      </p>`
    }
  </div>`
}
