/** Lint of a whole life: what changes something, twice each, with the checks between. Called by main.ts when it was asked for. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type EffectiveConfig,
  lifecycleArguments,
  notificationArguments,
  type ScriptName,
} from '../../../domain/script.ts'
import { type Harness, lastOutput } from './harness.ts'

const pollMs = 1_000

/** Whatever happens in between, the deployment is cleaned up at the end; one that is there already is not touched. */
export async function lintLifecycle(
  harness: Harness,
  name: string,
  config: EffectiveConfig,
  timeoutMs: number,
): Promise<void> {
  const args = lifecycleArguments(harness.project, name, config)
  const step = async (script: ScriptName, scriptArgs = args) => {
    const run = await harness.runAndReport(script, scriptArgs, ({ result, stdout, stderr }) =>
      result.exitCode === 0
        ? { severity: 'ok', message: 'exit code 0' }
        : { severity: 'fault', message: `It ended with ${result.exitCode}. ${lastOutput(stderr || stdout)}` },
    )
    return run?.result.exitCode === 0
  }
  const twice = async (script: ScriptName) => (await step(script)) && (await step(script))
  const waitFor = (script: 'check' | 'archive_check') => waitForSuccess(harness, script, args, timeoutMs)

  // First: nobody's deployment is to be touched.
  if (harness.has('init')) await step('init', [])
  const before = await harness.runAndReport('check', args, ({ result }) =>
    result.exitCode === 0
      ? { severity: 'fault', message: `${name} is running already: give --life a name that nobody uses.` }
      : { severity: 'ok', message: `${name} is not there yet` },
  )
  if (before === null || before.result.exitCode === 0) return

  // Then: the life, as long as every step works.
  try {
    if (!((await twice('create')) && (await waitFor('check')))) return
    if (!((await twice('update')) && (await waitFor('check')))) return
    if (harness.has('notifications'))
      await step('notifications', notificationArguments(harness.project, name, 'CreatePending', 'Running'))
    if (!((await twice('archive')) && (await waitFor('archive_check')))) return
    if (!((await twice('unarchive')) && (await waitFor('check')))) return
  } finally {
    // Finally: as a user would, archived first.
    await step('archive')
    await waitFor('archive_check')
    await twice('cleanup')
    if (harness.signal.aborted)
      harness.report('cleanup', 'warning', `It was not asked to remove ${name}: do that yourself.`)
  }
}

/** Asks as the runner does while a deployment is pending. */
async function waitForSuccess(
  harness: Harness,
  script: 'check' | 'archive_check',
  args: string[],
  timeoutMs: number,
): Promise<boolean> {
  const endsAt = performance.now() + timeoutMs
  for (;;) {
    const run = await harness.run(script, args)
    if (run === null) return false
    const isLate = performance.now() > endsAt
    if (run.result.exitCode !== 0 && !isLate && !harness.signal.aborted) {
      await sleep(pollMs, undefined, { signal: harness.signal }).catch(() => {})
      continue
    }
    const hasSucceeded = run.result.exitCode === 0
    const message = hasSucceeded
      ? 'says 0'
      : `It still says ${run.result.exitCode} after ${timeoutMs / 1000} s. ${lastOutput(run.stderr || run.stdout)}`
    harness.report(script, hasSucceeded ? 'ok' : 'fault', message)
    return hasSucceeded
  }
}
