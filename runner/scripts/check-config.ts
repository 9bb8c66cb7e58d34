/** Runs config_check on the effective config. Called for script queries and before an action starts. */
import { lastLines } from '../../domain/failures/explain-failure.ts'
import { type Failure, failureText } from '../../domain/failures/failure.ts'
import { findFailureHint } from '../../domain/failures/failure-hints.ts'
import type { ScriptAnswer } from '../../domain/queue-messages.ts'
import { toPlainText } from '../../lib/terminal/text.ts'
import type { RunnerContext } from '../context.ts'
import { type DeploymentWithOverrides, getEffectiveConfig } from './effective-config.ts'
import { runDeploymentScript } from './run-script.ts'

/** Returns `rejected` with the output of the script when it rejects the config. */
export async function checkConfig(
  context: RunnerContext,
  deployment: DeploymentWithOverrides,
  signal: AbortSignal,
): Promise<ScriptAnswer> {
  const config = await getEffectiveConfig(context, deployment, signal)
  if ('failure' in config)
    return { status: 'failed', message: failureText(config.failure), failure: config.failure }
  const timeoutMs = context.settings.CONFIG_CHECK_TIMEOUT
  const run = await runDeploymentScript(context, 'config_check', deployment.name, config, {
    signal,
    timeoutMs,
  })
  const { exitCode, error, timedOut } = run.result
  if (exitCode === 0 && error === null) return { status: 'ok' }
  if (exitCode === null || error !== null || timedOut) {
    const { failure } = run
    if (failure === null) return { status: 'failed', message: 'config_check was stopped.' }
    return { status: 'failed', message: failureText(failure), failure }
  }
  // The whole text of stdout, as in Octopod 1.6, but masked and without control codes.
  const output = toPlainText(run.mask(run.stdout.trim() === '' ? run.stderr.trim() : run.stdout))
  return {
    status: 'rejected',
    message:
      output.trim() === ''
        ? `The config_check script rejected the config with exit code ${exitCode} and printed no reason.`
        : output,
  }
}

/** A rejection as a failure of the action that it ended. */
export function rejectionFailure(message: string): Failure {
  const output = lastLines({ stdout: message, stderr: '' })
  return {
    what: 'config_check',
    script: 'config_check',
    message: 'The config_check script rejected the config.',
    hint: output === null ? null : findFailureHint(output),
    output,
  }
}
