/** Runs config_check on the effective config. Called for script queries and before an action starts. */
import type { ScriptAnswer } from '../../domain/queue-messages.ts'
import type { RunnerContext } from '../context.ts'
import { type DeploymentWithOverrides, getEffectiveConfig } from './effective-config.ts'
import { runDeploymentScript } from './run-script.ts'

/** Returns `rejected` with the output of the script when it rejects the config. */
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
  if (exitCode === null || error !== null || timedOut) {
    return { status: 'failed', message: run.failure ?? '' }
  }
  // Only secrets are masked: Octopod 1.6 passed the output on unchanged.
  const output = run.mask(run.stdout.trim() === '' ? run.stderr.trim() : run.stdout)
  return {
    status: 'rejected',
    message: output || `config_check rejected the config (exit code ${exitCode}).`,
  }
}
