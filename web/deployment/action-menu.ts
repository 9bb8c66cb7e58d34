/** The actions of a deployment as menu items (list) and as buttons with a menu (deployment page), from the same rules. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { activeAction, statusOf } from '../../client/action-outcome.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { statusTable } from '../../domain/statuses.ts'
import { type AppContext, useApp } from '../app-context.ts'
import { deploymentPath, outputQuery } from '../routes.ts'
import { Menu, type MenuItem } from '../ui/menu.ts'
import { actionLabels, type DeploymentAction, disabledReason, targetOf } from './available-actions.ts'
import { dashboardUrl } from './deployment-links.ts'
import { cancelAction, runAction } from './run-action.ts'
import { isArchived } from './status-labels.ts'

/** The actions shown for this status, enabled or not. Irreversible ones are at the end of a menu. */
function mainActions(info: FullInfo): DeploymentAction[] {
  if (isArchived(info)) return ['restore']
  // A restore may wait for the end of the archive, which may be repeated; an update may not.
  return statusTable[statusOf(info)].pendingTarget === 'Archived'
    ? ['restore', 'archive']
    : ['update', 'archive']
}
const irreversibleActions: DeploymentAction[] = ['cleanup', 'delete']

const actionItem = (app: AppContext, info: FullInfo, action: DeploymentAction): MenuItem => ({
  text: actionLabels[action],
  disabledReason: disabledReason(action, info, app.identity),
  danger: irreversibleActions.includes(action),
  onSelect: () => void runAction(app, action, info),
})

/** In a row of the list. */
export function ActionMenu({ info }: { info: FullInfo }): VNode {
  const app = useApp()
  const { name } = info.deployment
  const items = () => [
    { text: 'Open', disabledReason: null, onSelect: () => app.router.navigate(deploymentPath(name)) },
    { text: 'Copy link', disabledReason: null, onSelect: () => void copyLink(app, name) },
    ...cancelItem(app, info),
    ...mainActions(info).map((action) => actionItem(app, info, action)),
    ...logsItem(app, info),
    overlayItem(app, info, 'clone'),
    overlayItem(app, info, 'labels'),
    ownerItem(app, info),
    ...dashboardItem(app, name),
    ...irreversibleActions.map((action) => actionItem(app, info, action)),
  ]
  return html`<${Menu} label=${`Actions for ${name}`} items=${items} />`
}

async function copyLink({ toasts }: AppContext, name: string): Promise<void> {
  const link = new URL(deploymentPath(name), location.href).href
  try {
    await navigator.clipboard.writeText(link)
    toasts.showSuccess('The link was copied.')
  } catch {
    // Browsers offer the clipboard only over https and on this machine.
    toasts.showSuccess(link)
  }
}

function cancelItem(app: AppContext, info: FullInfo): MenuItem[] {
  const active = activeAction(info)
  if (active === null) return []
  const onSelect = () => void cancelAction(app, active, info.deployment.name)
  const disabledReason =
    active.cancel_requested_at === null
      ? app.identity.refusal('cancel', targetOf(info))
      : 'It is being cancelled.'
  return [{ text: 'Cancel action', disabledReason, onSelect }]
}

/** Opens the output of the last action. */
function logsItem({ identity, router }: AppContext, info: FullInfo): MenuItem[] {
  const { deployment, last_action } = info
  if (last_action === null) return []
  const onSelect = () => router.navigate(deploymentPath(deployment.name) + outputQuery(last_action.action_id))
  return [{ text: 'Logs', disabledReason: identity.refusal('read_output', targetOf(info)), onSelect }]
}

const overlayTexts = { clone: 'Clone…', labels: 'Title and labels…' }

const overlayItem = (
  { identity, overlay }: AppContext,
  info: FullInfo,
  type: keyof typeof overlayTexts,
): MenuItem => ({
  text: overlayTexts[type],
  // Whoever may create some names learns in the dialog which.
  disabledReason: type === 'labels' ? identity.refusal('label', targetOf(info)) : identity.refusal('create'),
  onSelect: () => {
    overlay.value = { type, name: info.deployment.name }
  },
})

const ownerItem = ({ identity, overlay }: AppContext, info: FullInfo): MenuItem => ({
  text: 'Change owner…',
  disabledReason: identity.refusal('change_owner', targetOf(info)),
  onSelect: () => {
    overlay.value = { type: 'change-owner', name: info.deployment.name }
  },
})

function dashboardItem(app: AppContext, name: string): MenuItem[] {
  const href = dashboardUrl(app, name)
  return href === null ? [] : [{ text: 'Dashboard', disabledReason: null, href, onSelect() {} }]
}

const noBreakSpace = String.fromCharCode(160)

/**
 * All buttons keep their place. The reason for a disabled button is shown below for everyone; its line is always there, so
 * that the reason moves nothing. What is rare or irreversible is in the menu.
 */
export function ActionButtons({ info }: { info: FullInfo }): VNode {
  const app = useApp()
  const { name } = info.deployment
  const items = mainActions(info).map((action) => actionItem(app, info, action))
  const menuItems = () => [
    overlayItem(app, info, 'clone'),
    overlayItem(app, info, 'labels'),
    ownerItem(app, info),
    ...irreversibleActions.map((action) => actionItem(app, info, action)),
  ]
  const reasons = [...new Set(items.map((item) => item.disabledReason).filter((reason) => reason !== null))]
  const reasonId = (reason: string | null) =>
    reason === null ? undefined : `disabled-reason-${reasons.indexOf(reason)}`
  return html`<div class="action-buttons">
    <div class="buttons">
      ${items.map(
        ({ text, disabledReason: reason, onSelect }) => html`<button
          key=${text}
          type="button"
          aria-disabled=${reason !== null}
          aria-describedby=${reasonId(reason)}
          title=${reason ?? ''}
          onClick=${() => reason === null && onSelect()}
        >
          ${text}
        </button>`,
      )}
      <${Menu} label=${`More actions for ${name}`} items=${menuItems} />
    </div>
    <p class="disabled-reason">${reasons.length === 0 ? noBreakSpace : reasons.map((reason) => html`<span key=${reason} id=${reasonId(reason)}>${reason} </span>`)}</p>
  </div>`
}
