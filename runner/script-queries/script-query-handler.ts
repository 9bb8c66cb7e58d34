/**
 * Answers a script query, for which a user waits: the config scripts, config_check or check. Called by
 * script-query-worker.ts.
 */
import { failureText } from '../../domain/failures/failure.ts'
import type { ScriptAnswer, ScriptQuery } from '../../domain/queue-messages.ts'
import type { RunnerContext } from '../context.ts'
import { checkConfig } from '../scripts/check-config.ts'
import { getConfigScriptAnswer } from '../scripts/config-scripts.ts'
import { type DeploymentWithOverrides, getEffectiveConfig } from '../scripts/effective-config.ts'
import { runDeploymentScript } from '../scripts/run-script.ts'

/**
 * `signal` aborts when the client stops waiting. It ends config_check and check. Config scripts go on, because their
 * output is cached for everyone.
 */
export async function handleScriptQuery(
  context: RunnerContext,
  query: ScriptQuery,
  signal: AbortSignal,
): Promise<ScriptAnswer> {
  switch (query.type) {
    case 'config':
      return getConfigScriptAnswer(context, query.script, query.deployment)
    case 'config_check':
      return checkConfig(context, query.target, signal)
    case 'status':
      return checkStatus(context, query.target, signal)
  }
}

async function checkStatus(
  context: RunnerContext,
  deployment: DeploymentWithOverrides,
  signal: AbortSignal,
): Promise<ScriptAnswer> {
  const config = await getEffectiveConfig(context, deployment, signal)
  if ('failure' in config)
    return { status: 'failed', message: failureText(config.failure), failure: config.failure }
  const timeoutMs = context.settings.CHECK_TIMEOUT
  const run = await runDeploymentScript(context, 'check', deployment.name, config, { signal, timeoutMs })
  const { exitCode, error } = run.result
  if (error !== null) return { status: 'failed', message: error }
  return exitCode === 0
    ? { status: 'ok' }
    : { status: 'rejected', message: run.failure === null ? '' : failureText(run.failure) }
}
