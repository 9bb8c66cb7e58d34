/**
 * The first lines about a deployment: its status, why something failed, what to do about it, and its links. Called by the
 * info and status commands.
 */
import { activeAction, statusOf } from '../../client/action-outcome.ts'
import { kindFromWireName } from '../../domain/actions.ts'
import type { FullInfoWithCheck, WaitingAction } from '../../domain/schemas.ts'
import { statusTable } from '../../domain/statuses.ts'
import { statusWithPageWord } from './columns.ts'
import {
  type Explanation,
  explainAction,
  explainCheck,
  explainFailedScripts,
  explanationLines,
} from './explanation.ts'
import { labelsText, ownerLabel } from './identity.ts'
import { formatTimestamp } from './table.ts'
import { toSingleLine } from './terminal-text.ts'

export function summaryLines(info: FullInfoWithCheck): string[] {
  const { metadata } = info
  return [
    `Status: ${statusWithPageWord(info)}${deadlineOf(info)}`,
    ...pauseOf(info),
    ...(info.waiting_action ? [waitingLine(info.waiting_action)] : []),
    ...(info.title ? [`Title: ${toSingleLine(info.title)}`] : []),
    ...(info.owner ? [`Owner: ${ownerLabel(info.owner)}`] : []),
    ...(labelsText(info) === '' ? [] : [`Labels: ${labelsText(info)}`]),
    ...failuresOf(info).flatMap(({ heading, explanation }) => [
      `${heading}: ${toSingleLine(explanation.message)}`,
      ...explanationLines(explanation).map((line) => `  ${line}`),
    ]),
    ...adviceFor(info),
    ...explainFailedScripts(info).flatMap(({ failedAt, explanation }) => [
      `Since ${formatTimestamp(failedAt)}: ${toSingleLine(explanation.message)}`,
      ...explanationLines(explanation).map((line) => `  ${line}`),
      ...(explanation.isOutputHidden ? ['  Its output needs another credential: ask an operator.'] : []),
    ]),
    ...(metadata.length === 0 ? [] : ['Links:']),
    ...metadata.map(({ name, link }) => `  ${toSingleLine(name)}: ${toSingleLine(link)}`),
  ]
}

const waitingLine = ({ action, action_id, actor, created_at }: WaitingAction): string =>
  `Waiting: ${kindFromWireName(action)} (action ${action_id}) by ${toSingleLine(actor)}, since ${formatTimestamp(created_at)}`

const deadlineOf = ({ waits_until: deadline }: FullInfoWithCheck): string =>
  deadline ? `, waiting for the check until ${formatTimestamp(deadline)}` : ''

const pauseOf = (info: FullInfoWithCheck): string[] =>
  info.checks_paused_since && statusTable[statusOf(info)].checkScript !== null
    ? [`Checks: paused since ${formatTimestamp(info.checks_paused_since)}`]
    : []

/** The sentences without words of scripts, for a table or JSON. Null when nothing failed. */
export function reasonOf(info: FullInfoWithCheck): string | null {
  const messages = failuresOf(info).map(({ explanation: { message, hint } }) =>
    hint === null ? message : `${message} ${hint}`,
  )
  return messages.length === 0 ? null : messages.join(' ')
}

type NamedFailure = { heading: string; explanation: Explanation }

/** The failed last action, and the failed last check if it came after that action. */
function failuresOf(info: FullInfoWithCheck): NamedFailure[] {
  const { last_action: action, last_check: check } = info
  const ofAction = action === null ? null : explainAction(action)
  const isChecked = statusTable[statusOf(info)].checkScript !== null
  const isNewCheck =
    check !== null &&
    (ofAction === null || Date.parse(check.checked_at) > Date.parse(action?.finished_at ?? ''))
  const ofCheck = isChecked && isNewCheck && activeAction(info) === null ? explainCheck(check) : null
  return [
    ...(ofAction === null || action === null
      ? []
      : [
          {
            heading: `Last action, ${formatTimestamp(action.finished_at ?? action.created_at)}`,
            explanation: ofAction,
          },
        ]),
    ...(ofCheck === null || check === null
      ? []
      : [{ heading: `Last check, ${formatTimestamp(check.checked_at)}`, explanation: ofCheck }]),
  ]
}

/** What a reader can do, as commands. */
function adviceFor(info: FullInfoWithCheck): string[] {
  const { deployment, last_action: action, last_check: check } = info
  if (check?.failure?.remedies.includes('stop_waiting') && activeAction(info) === null)
    return [`Stop waiting for the check: octo stop-waiting -n ${deployment.name}`]
  const explanation = action === null ? null : explainAction(action)
  if (action === null || explanation === null) return []
  return explanation.isOutputHidden
    ? [`Try again: octo retry -n ${deployment.name}. Its output needs another credential: ask an operator.`]
    : [`Try again: octo retry -n ${deployment.name}. Its output: octo logs -a ${action.action_id}`]
}
