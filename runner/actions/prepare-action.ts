/**
 * Prepares an action before its script starts: the effective config, config_check, the links. Called by
 * execute-action.ts.
 */
import type { ClaimedAction } from '../../db/queries/action-lifecycle.ts'
import { actions } from '../../domain/actions.ts'
import { type Failure, failureText } from '../../domain/failures/failure.ts'
import type { Link } from '../../domain/schemas.ts'
import type { EffectiveConfig } from '../../domain/script.ts'
import type { RunnerContext } from '../context.ts'
import { checkConfig, rejectionFailure } from '../scripts/check-config.ts'
import { parseLinks } from '../scripts/csv.ts'
import { getEffectiveConfig } from '../scripts/effective-config.ts'
import { recordScriptResult } from '../scripts/record-failure.ts'
import { runDeploymentScript, type ScriptRun, unreadableOutput } from '../scripts/run-script.ts'

/** `links`: null keeps the stored ones. `warnings` are shown in the output of the action. */
export type PreparedAction =
  | { config: EffectiveConfig; links: Link[] | null; warnings: string[] }
  | { failure: Failure }

/** Returns soon after `signal` aborts; the result is then meaningless. */
export async function prepareAction(
  context: RunnerContext,
  action: ClaimedAction,
  signal: AbortSignal,
): Promise<PreparedAction> {
  const config = await getEffectiveConfig(context, action, signal)
  if ('failure' in config) return config
  if (!actions[action.kind].runsConfigCheck) return { config, links: null, warnings: [] }

  // Usually the server has run config_check while the user waited, but not when Redis was unreachable.
  if (!action.configChecked) {
    const answer = await checkConfig(context, action, signal)
    if (answer.status === 'rejected') return { failure: rejectionFailure(answer.message) }
    if (answer.status === 'failed') return { failure: answer.failure ?? notRun(answer.message) }
  }
  return { config, ...(await readLinks(context, action.name, config, signal)) }
}

const notRun = (message: string): Failure => ({
  what: 'config_check',
  script: 'config_check',
  message,
  hint: null,
  output: null,
})

/** When the info script fails, the stored links stay and the action goes on, as in Octopod 1.6. */
async function readLinks(
  context: RunnerContext,
  name: string,
  config: EffectiveConfig,
  signal: AbortSignal,
): Promise<{ links: Link[] | null; warnings: string[] }> {
  const timeoutMs = context.settings.CHECK_TIMEOUT
  const run = await runDeploymentScript(context, 'info', name, config, { signal, timeoutMs })
  const answer = run.failure === null ? readLinksFrom(run) : { failure: run.failure }
  if (!('failure' in answer)) return answer
  // The start of the action clears it after a success.
  if (!signal.aborted) await recordScriptResult(context, { deployment: name }, 'info', answer.failure)
  return { links: null, warnings: [failureText(answer.failure)] }
}

function readLinksFrom({
  stdout,
  mask,
}: ScriptRun): { links: Link[]; warnings: string[] } | { failure: Failure } {
  try {
    const { links, warnings } = parseLinks(stdout)
    return { links: links.map((link) => withMaskedLink(link, mask)), warnings }
  } catch (error) {
    return { failure: unreadableOutput('info', mask, error) }
  }
}

/** The server does not know the defaults of the config, so it cannot find their secrets in a link. */
function withMaskedLink(link: Link, mask: (text: string) => string): Link {
  const masked = mask(link.link)
  return masked === link.link ? link : { ...link, masked_link: masked }
}
