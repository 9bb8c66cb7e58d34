/** Knows which keys the keys scripts mark as secret, where the manifest has `secret_keys`. Started by main.ts. */
import { type PeriodicTask, startPeriodic } from '../../lib/periodic.ts'
import type { RunnerContext } from '../context.ts'
import { getConfigScriptAnswer } from '../scripts/config-scripts.ts'

const readIntervalMs = 5000

/** Runs the keys scripts, so that keys are known as secret before somebody opens a form. Does nothing without `secret_keys`. */
export async function startSecretKeys(context: RunnerContext): Promise<PeriodicTask | null> {
  const { scripts, secretKeys, logFailure } = context
  if (!scripts.manifest.marksSecretKeys) return null
  await secretKeys.read()
  await readMarks(context).catch((error) =>
    logFailure(error, 'the keys scripts could not be asked for secret keys'),
  )
  return startPeriodic(logFailure, 'reading secret keys', readIntervalMs, secretKeys.read)
}

/** A script that fails is recorded as for every other use of it. */
async function readMarks(context: RunnerContext): Promise<void> {
  await getConfigScriptAnswer(context, 'deployment_config_keys', [])
  const defaults = await getConfigScriptAnswer(context, 'deployment_config', [])
  if (defaults.status === 'pairs')
    await getConfigScriptAnswer(context, 'application_config_keys', defaults.pairs)
}
