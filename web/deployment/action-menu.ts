/** The actions of a deployment as menu items (list) and as buttons (deployment page), from the same rules. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { FullInfo } from '../../domain/schemas.ts'
import { type AppContext, useApp } from '../app-context.ts'
import { deploymentPath, outputQuery } from '../routes.ts'
import { Menu, type MenuItem } from '../ui/menu.ts'
import { actionLabels, type DeploymentAction, disabledReason } from './available-actions.ts'
import { dashboardUrl } from './deployment-links.ts'
import { runAction } from './run-action.ts'
import { isArchived } from './status-labels.ts'

/** The actions shown for this status, enabled or not. */
function visibleActions(info: FullInfo, isAdmin: boolean): DeploymentAction[] {
  const admin: DeploymentAction[] = isAdmin ? ['cleanup', 'delete'] : []
  return [...(isArchived(info) ? (['restore'] as const) : (['update', 'archive'] as const)), ...admin]
}

function actionItems(app: AppContext, info: FullInfo): MenuItem[] {
  const isAdmin = app.session.isAdmin()
  return visibleActions(info, isAdmin).map((action) => ({
    text: actionLabels[action],
    disabledReason: disabledReason(action, info, isAdmin),
    danger: action === 'cleanup' || action === 'delete',
    onSelect: () => void runAction(app, action, info),
  }))
}

export function ActionMenu({ info }: { info: FullInfo }): VNode {
  const app = useApp()
  const { name } = info.deployment
  // Irreversible actions are at the end.
  const items = () =>
    [...actionItems(app, info), ...logsItem(app, info), ...dashboardItem(app, name)].sort(
      (a, b) => (a.danger ? 1 : 0) - (b.danger ? 1 : 0),
    )
  return html`<${Menu} label=${`Actions for ${name}`} items=${items} />`
}

/** Opens the output of the last action. */
function logsItem(
  { session, router }: AppContext,
  { deployment: { name }, last_action }: FullInfo,
): MenuItem[] {
  if (last_action === null || session.canReadOutput.peek() !== true) return []
  const onSelect = () => router.navigate(deploymentPath(name) + outputQuery(last_action.action_id))
  return [{ text: 'Logs', disabledReason: null, onSelect }]
}

function dashboardItem(app: AppContext, name: string): MenuItem[] {
  const href = dashboardUrl(app, name)
  return href === null ? [] : [{ text: 'Dashboard', disabledReason: null, href, onSelect() {} }]
}

const noBreakSpace = String.fromCharCode(160)

/**
 * All buttons keep their place. The reason for a disabled button is shown below for everyone; its line is always there, so
 * that the reason moves nothing.
 */
export function ActionButtons({ info }: { info: FullInfo }): VNode {
  const items = actionItems(useApp(), info)
  const reasons = [...new Set(items.map((item) => item.disabledReason).filter((reason) => reason !== null))]
  const reasonId = (reason: string | null) =>
    reason === null ? undefined : `disabled-reason-${reasons.indexOf(reason)}`
  return html`<div class="action-buttons">
    <div class="buttons">
      ${items.map(
        ({ text, disabledReason: reason, danger, onSelect }) => html`<button
          key=${text}
          type="button"
          class=${danger ? 'danger' : ''}
          aria-disabled=${reason !== null}
          aria-describedby=${reasonId(reason)}
          title=${reason ?? ''}
          onClick=${() => reason === null && onSelect()}
        >
          ${text}
        </button>`,
      )}
    </div>
    <p class="disabled-reason">${reasons.length === 0 ? noBreakSpace : reasons.map((reason) => html`<span key=${reason} id=${reasonId(reason)}>${reason} </span>`)}</p>
  </div>`
}
