/** What comes before a script starts: its config, the yes of config_check, the links that `info` prints. */
import type { ClaimedAction } from '../../db/queries/action-lifecycle.ts'
import { actions } from '../../domain/actions.ts'
import type { Link } from '../../domain/schemas.ts'
import type { EffectiveConfig } from '../../domain/script.ts'
import type { RunnerContext } from '../context.ts'
import { checkConfig } from '../script-queries/script-query-handler.ts'
import { parseLinks } from '../scripts/csv.ts'
import { getEffectiveConfig } from '../scripts/effective-config.ts'
import { runDeploymentScript } from '../scripts/run-script.ts'

/** `links` null: keep what is stored. `problems` are told in the output and stop nothing. */
export type PreparedAction =
  | { config: EffectiveConfig; links: Link[] | null; warnings: string[] }
  | { refused: string }

/** What the scripts say is worth something only while `signal` has not aborted; then this comes to its end at once. */
export async function prepareAction(
  context: RunnerContext,
  action: ClaimedAction,
  signal: AbortSignal,
): Promise<PreparedAction> {
  const config = await orAborted(getEffectiveConfig(context, action), signal)
  if (typeof config === 'string') return { refused: config }
  if (!actions[action.kind].runsConfigCheck) return { config, links: null, warnings: [] }

  // Usually the server has asked while the user waited; not when Redis was away.
  if (!action.configChecked) {
    const answer = await checkConfig(context, action, signal)
    if (answer.status === 'rejected' || answer.status === 'failed') return { refused: answer.message.trim() }
  }
  return { config, ...(await readLinks(context, action.name, config, signal)) }
}

/** The config scripts' answers are for all who ask, so they go on; we do not wait for them. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | string> {
  const aborted = Promise.withResolvers<string>()
  const onAbort = () => aborted.resolve('No longer wanted.')
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    // As long as anybody listens, a signal made of others lives as long as they do: here as long as the runner.
    signal.removeEventListener('abort', onAbort)
  }
}

/** An info script that fails hinders nothing (as in Octopod 1.6): the links stay as they are. */
async function readLinks(
  context: RunnerContext,
  name: string,
  config: EffectiveConfig,
  signal: AbortSignal,
): Promise<{ links: Link[] | null; warnings: string[] }> {
  const timeoutMs = context.settings.CHECK_TIMEOUT
  const run = await runDeploymentScript(context, 'info', name, config, { signal, timeoutMs })
  if (run.failure !== null) return { links: null, warnings: [run.failure] }
  try {
    return parseLinks(run.stdout)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { links: null, warnings: [`The info script printed something that cannot be read: ${message}`] }
  }
}
