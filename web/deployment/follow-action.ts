/** Says how an action that this user has requested has ended, on whatever page they are then. Used by run-action.ts and the form. */
import { effect } from '@preact/signals'
import type { ApiResponse } from '../../client/call-endpoint.ts'
import { isActive, kindFromWireName } from '../../domain/actions.ts'
import { headers } from '../../domain/endpoints.ts'
import type { AppContext } from '../app-context.ts'
import { deploymentPath, outputQuery } from '../routes.ts'
import { actionOutcomeLabel, actionVerbs } from './status-labels.ts'

/** `response`: the answer that accepted the action. An answer without the id of an action, such as of `delete`, is not followed. */
export function followAction(app: AppContext, name: string, response: ApiResponse): void {
  const id = Number(response.headers.get(headers.actionId))
  if (!id) return
  const { store, toasts, identity } = app
  let wasSeen = false
  let wasWaiting = false
  const stop = effect(() => {
    void store.version.value
    const info = store.rows.get(name)?.value
    const last = info?.last_action ?? null
    const isOurs = last?.action_id === id
    const isWaiting = info?.waiting_action?.action_id === id
    const hasWaited = wasWaiting && !isWaiting && !isOurs
    wasSeen ||= isOurs || isWaiting
    wasWaiting = isWaiting
    if (isWaiting) return
    // The row may not have changed yet, or the deployment is gone, or another action has followed.
    if (!isOurs && !hasWaited && !(wasSeen && last === null) && !(last !== null && last.action_id > id))
      return
    if (hasWaited) void explain(app, name, id)
    else if (last === null) toasts.showSuccess(`${name} was removed.`, name)
    else if (isOurs) {
      if (isActive(last.state)) return
      const isSuccess = last.state === 'succeeded'
      const text = `${name}: ${actionVerbs[kindFromWireName(last.action)].verb} ${actionOutcomeLabel(last)}.`
      const mayRead = identity.refusal('read_output', { name }) === null
      const link = mayRead
        ? { text: 'Show output', href: deploymentPath(name) + outputQuery(id) }
        : { text: `Open ${name}`, href: deploymentPath(name) }
      toasts.showOutcome(isSuccess ? 'success' : 'error', text, link, name)
    }
    // An effect cannot end itself while it runs for the first time.
    queueMicrotask(() => stop())
  })
}

/** An action that has waited and never started: another one has replaced it, somebody has cancelled it, or it was refused then. */
async function explain({ client, toasts }: AppContext, name: string, id: number): Promise<void> {
  try {
    const action = await client.call('getAction', { params: { action_id: id } })
    const { verb } = actionVerbs[kindFromWireName(action.action)]
    const link = { text: `Open ${name}`, href: deploymentPath(name) }
    toasts.showOutcome('error', action.error ?? `${name}: ${verb} ${actionOutcomeLabel(action)}.`, link)
  } catch {
    // The history of the deployment says it.
  }
}
