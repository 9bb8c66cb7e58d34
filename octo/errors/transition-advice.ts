/**
 * What to do when a deployment has another status than an action needs, with the word of the page for that status. Called by http.ts and
 * the commands for many deployments.
 */
import { type ActionKind, actionKinds, canStart } from '../../domain/actions.ts'
import { isPending, type Status, statuses, statusTable } from '../../domain/statuses.ts'

/** Null for a message that names no such status, as of another server. */
export function transitionAdvice(message: string): string | null {
  const [, name, statusText, kindText] =
    /^Deployment (\S+) is (\w+): (\w+) needs it to be /.exec(message) ?? []
  const status = statuses.find((one) => one === statusText)
  const kind = actionKinds.find((one) => one === kindText)
  if (name === undefined || status === undefined || kind === undefined) return null
  const { label } = statusTable[status]
  const remedy = remedyFor(kind, name, status)
  return label === status ? remedy : `The page calls that status "${label}". ${remedy}`
}

function remedyFor(kind: ActionKind, name: string, status: Status): string {
  const { pendingTarget, isArchived } = statusTable[status]
  if (pendingTarget === 'Running')
    return `${name} waits for its health check: wait too (octo wait ${name}), or end the wait (octo stop-waiting ${name}).`
  if (isPending(status)) return `Wait until it is archived: octo wait ${name} --for archived`
  if (canStart('restore', status))
    return kind === 'archive' ? 'There is nothing to do.' : `Restore it first: octo restore ${name}`
  if (isArchived) return `Only its cleanup can be repeated: octo cleanup ${name}`
  return kind === 'restore' ? 'There is nothing to restore.' : `Archive it first: octo archive ${name}`
}
