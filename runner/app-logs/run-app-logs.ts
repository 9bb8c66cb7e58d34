/**
 * One run of app_logs, after its claim. It ends when the script ends, after half an hour, soon after the last reader has
 * left, when the config changes, or when the claim cannot be renewed. Called by app-log-runs.ts.
 */

import { findConfigRevision, findDeploymentName } from '../../db/queries/app-logs/target.ts'
import { getDeploymentOverrides } from '../../db/queries/deployments.ts'
import { renewRun } from '../../db/redis/app-logs/claims.ts'
import { lastLines, scriptFailure } from '../../domain/failures/explain-failure.ts'
import { failureText } from '../../domain/failures/failure.ts'
import type { AppLogEndReason } from '../../domain/output/app-log-events.ts'
import type { AppLogClaim, AppLogRequest } from '../../domain/output/app-log-messages.ts'
import { appLogArguments, lifecycleInput } from '../../domain/script.ts'
import type { RunnerContext } from '../context.ts'
import { createSecretPatterns } from '../output/secret-patterns.ts'
import { createLeaseDeadline } from '../process/lease-deadline.ts'
import { runProcess } from '../process/process.ts'
import { createMarker } from '../process/script-marker.ts'
import { getEffectiveConfig } from '../scripts/effective-config.ts'
import { buildRequest, secretsFor } from '../scripts/run-script.ts'
import { createAppLogOutput } from './app-log-output.ts'
import { createEntryWriter } from './entry-writer.ts'

export const maxRunMs = 30 * 60_000

type End = { reason: AppLogEndReason; message: string }

/** `unread`: nobody is there to be told. */
type StopReason = 'unread' | 'runner_lost' | 'config_changed' | 'runner_stopped'

const stopMessages: Record<StopReason, string> = {
  unread: 'Nobody reads the logs any more.',
  runner_lost: 'The runner could not renew its claim in time.',
  config_changed: 'The config of the deployment has changed.',
  runner_stopped: 'The runner is shut down.',
}

export type AppLogRun = {
  stop(reason: StopReason): void
  /** Resolves when the script has ended and its readers are told. Never rejects. */
  ended: Promise<void>
}

/** `claimedAtMs`: performance.now() before the claim was sent. `onUnread`: called when the claim is released before the end. */
export function startAppLogRun(
  context: RunnerContext,
  request: AppLogRequest,
  claim: AppLogClaim,
  claimedAtMs: number,
  onUnread: () => void,
): AppLogRun {
  const { db, redis, settings, log, logFailure, watchdog } = context
  const { key, deploymentId } = request
  const marker = createMarker(context.markerPrefix)
  const writer = createEntryWriter(context, claim.runId)
  const controller = new AbortController()
  let stopReason: StopReason | null = null
  let renewTimer: NodeJS.Timeout | undefined
  let isOver = false
  let isComparing = false

  const stop = (reason: StopReason) => {
    stopReason ??= reason
    controller.abort('interrupted')
  }
  const deadline = createLeaseDeadline(context, marker, () => stop('runner_lost'))

  const renewOnce = async () => {
    void compareConfig()
    const sentAtMs = performance.now()
    try {
      const state = await renewRun(redis, settings.REDIS_PREFIX, key, claim, settings.LEASE)
      if (state === 'lost') stop('runner_lost')
      else if (!isOver) deadline.extendFrom(sentAtMs)
      if (state === 'unread') {
        stop('unread')
        onUnread()
      }
    } catch (error) {
      log.debug({ err: error, deploymentId }, 'the claim of app logs was not renewed; it is tried again')
    }
    schedule()
  }
  /** A query that hangs does not keep the claim from being renewed. */
  const compareConfig = async () => {
    if (isComparing) return
    isComparing = true
    await stopAfterConfigChange().catch((error) =>
      log.debug({ err: error, deploymentId }, 'the config of a deployment was not compared'),
    )
    isComparing = false
  }
  /** The values of secret keys may be others now. While the database is down the config cannot change. */
  const stopAfterConfigChange = async () => {
    if ((await findConfigRevision(db, deploymentId)) !== request.configRevision) stop('config_changed')
  }
  const schedule = () => {
    if (!isOver) renewTimer = setTimeout(renewOnce, Math.min(settings.LEASE / 6, 2000))
  }
  deadline.extendFrom(claimedAtMs)
  schedule()

  const run = async () => {
    try {
      const end = await runScript().catch((error) => {
        logFailure(error, 'app logs could not be read', { deploymentId })
        return { reason: 'failed', message: 'Internal runner error; see the runner log.' } as const
      })
      log.info({ deploymentId, reason: stopReason ?? end.reason }, 'app logs ended')
      writer.add({ type: 'end', ...end })
      await writer.flush()
    } finally {
      isOver = true
      clearTimeout(renewTimer)
      deadline.stop()
      watchdog.unregister(marker)
    }
  }

  const runScript = async (): Promise<End> => {
    // First: the config, as a health check receives it.
    const name = await findDeploymentName(db, deploymentId)
    if (name === null) return { reason: 'config_changed', message: 'The deployment is gone.' }
    const deployment = await getDeploymentOverrides(db, name)
    await stopAfterConfigChange()
    const config = await getEffectiveConfig(context, deployment, controller.signal)
    if (stopReason !== null) return { reason: endReason(stopReason), message: stopMessages[stopReason] }
    if ('failure' in config) return { reason: 'failed', message: failureText(config.failure) }

    // Then: the script.
    const patterns = createSecretPatterns(secretsFor(context, config))
    const output = createAppLogOutput(patterns, writer, controller.signal)
    const input = lifecycleInput(context.scripts.manifest, context.project, name, config)
    const args = [...input.args, ...appLogArguments(request.tail, request.follow)]
    const options = { timeoutMs: maxRunMs, signal: controller.signal, marker }
    writer.add({ type: 'running' })
    const processRequest = buildRequest(context, 'app_logs', { ...input, args }, options)
    const result = await runProcess({ ...processRequest, onOutput: output.push })
    output.end()

    // Finally: why it has ended.
    if (stopReason !== null) return { reason: endReason(stopReason), message: stopMessages[stopReason] }
    if (result.interrupted) return { reason: 'runner_stopped', message: stopMessages.runner_stopped }
    if (result.timedOut) return { reason: 'time_limit', message: 'One run of app_logs lasts half an hour.' }
    if (result.exitCode === 0 && result.error === null)
      return { reason: 'finished', message: 'The app_logs script has ended.' }
    const timeLimit = { setting: '', ms: maxRunMs }
    const failure = scriptFailure({ script: 'app_logs', result, timeLimit, output: lastLines(output.last()) })
    return { reason: 'failed', message: failureText(failure) }
  }
  return { stop, ended: run() }
}

const endReason = (reason: StopReason): AppLogEndReason => (reason === 'unread' ? 'runner_stopped' : reason)
