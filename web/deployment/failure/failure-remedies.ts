/**
 * What this user can do about a failed action now, as buttons. The server says what helps (`remedies`); an action that may
 * not start, or that needs another role, is left out. Used by last-action.ts.
 */
import { statusOf } from '../../../client/action-outcome.ts'
import { kindFromWireName, retryKind } from '../../../domain/actions.ts'
import type { Action, FullInfo } from '../../../domain/schemas.ts'
import type { AppContext } from '../../app-context.ts'
import { disabledReason } from '../available-actions.ts'
import { retryAction, runAction } from '../run-action.ts'

export type Remedy = { text: string; onSelect: () => void }

/** `onRetry` is called when the button is pressed. `lastGood`: the last action that succeeded with another config; null: none is known. */
export function failureRemedies(
  app: AppContext,
  info: FullInfo,
  action: Action,
  { onRetry, lastGood }: { onRetry: () => void; lastGood: Action | null },
): Remedy[] {
  const isPossible = (kind: Parameters<typeof disabledReason>[0]) =>
    disabledReason(kind, info, app.identity) === null
  const kind = retryKind(kindFromWireName(action.action), statusOf(info))
  const retry = () => {
    onRetry()
    void retryAction(app, kind, info, action)
  }
  const buttons: Record<string, Remedy | false> = {
    retry: isPossible(kind) && { text: 'Retry', onSelect: retry },
    edit: isPossible('update') && {
      text: 'Edit config',
      onSelect: () => void runAction(app, 'update', info),
    },
    // A person has signed in already.
    sign_in: app.identity.usesDisplayName.peek() && signInRemedy(app),
  }
  // The panel has a button for the output anyway. A newer server may know other remedies.
  const remedies = (action.failure?.remedies ?? [])
    .map((name) => buttons[name] ?? false)
    .filter((button) => button !== false)
  if (lastGood === null || !isPossible('update')) return remedies
  const { name } = info.deployment
  const rollBack = () => {
    app.overlay.value = { type: 'rollback', name, actionId: lastGood.action_id }
  }
  return [...remedies, { text: 'Roll back…', onSelect: rollBack }]
}

export const signInRemedy = ({ signInOpen }: AppContext): Remedy => ({
  text: 'Sign in',
  onSelect: () => {
    signInOpen.value = true
  },
})
