/** Answers the questions of users who wait: config scripts, config_check and status. Called by main.ts and prepare-action.ts. */
import type { ScriptAnswer, ScriptQuery } from '../../domain/queue-messages.ts'
import type { RunnerContext } from '../context.ts'
import { getConfigScriptAnswer } from '../scripts/config-scripts.ts'
import { type DeploymentWithOverrides, getEffectiveConfig } from '../scripts/effective-config.ts'
import { runDeploymentScript } from '../scripts/run-script.ts'

/** `signal` aborts when nobody waits any more. It ends config_check and check; what the config scripts say is kept for all. */
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

/** `refused` with the script's words when it says no. */
export async function checkConfig(
  context: RunnerContext,
  deployment: DeploymentWithOverrides,
  signal: AbortSignal,
): Promise<ScriptAnswer> {
  const config = await getEffectiveConfig(context, deployment)
  if (typeof config === 'string') return { status: 'failed', message: config }
  const timeoutMs = context.settings.CHECK_TIMEOUT
  const run = await runDeploymentScript(context, 'config_check', deployment.name, config, {
    signal,
    timeoutMs,
  })
  const { exitCode, error, timedOut } = run.result
  if (exitCode === 0 && error === null) return { status: 'ok' }
  if (exitCode === null || error !== null || timedOut) return { status: 'failed', message: run.failure ?? '' }
  // Its output as it is, but for secrets: Octopod 1.6 passed it on unchanged.
  const message = run.mask(run.stdout.trim() === '' ? run.stderr.trim() : run.stdout)
  return {
    status: 'rejected',
    message: message || `The config was refused by config_check (exit code ${exitCode}).`,
  }
}

async function checkStatus(
  context: RunnerContext,
  deployment: DeploymentWithOverrides,
  signal: AbortSignal,
): Promise<ScriptAnswer> {
  const config = await getEffectiveConfig(context, deployment)
  if (typeof config === 'string') return { status: 'failed', message: config }
  const timeoutMs = context.settings.CHECK_TIMEOUT
  const run = await runDeploymentScript(context, 'check', deployment.name, config, { signal, timeoutMs })
  const { exitCode, error } = run.result
  if (error !== null) return { status: 'failed', message: error }
  return exitCode === 0 ? { status: 'ok' } : { status: 'rejected', message: run.failure ?? '' }
}
