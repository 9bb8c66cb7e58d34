/**
 * Tests the scripts that change something: a whole lifecycle of one deployment, every step twice, with the checks in
 * between. Called by main.ts with --lifecycle.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type EffectiveConfig,
  lifecycleInput,
  notificationArguments,
  type ScriptInput,
  type ScriptName,
} from '../../../domain/script.ts'
import { type Harness, lastOutput } from './harness.ts'

const pollMs = 1_000

const withoutConfig = (args: string[]): ScriptInput => ({ args, configFile: null })

/** Does not touch a deployment that already runs. Otherwise the deployment is cleaned up at the end, whatever fails. */
export async function lintLifecycle(
  harness: Harness,
  name: string,
  config: EffectiveConfig,
  timeoutMs: number,
): Promise<void> {
  const input = lifecycleInput(harness.manifest, harness.project, name, config)
  const step = async (script: ScriptName, scriptInput = input, warning: string | null = null) => {
    const run = await harness.runAndReport(script, scriptInput, ({ result, stdout, stderr }) =>
      result.exitCode === 0
        ? { severity: 'ok', message: 'exit code 0' }
        : {
            severity: warning === null ? 'error' : 'warning',
            message: `${warning ?? ''}It exited with ${result.exitCode}. ${lastOutput(stderr || stdout)}`,
          },
    )
    return run?.result.exitCode === 0
  }
  // Octopod runs a script again only after a failure or the loss of its runner.
  const twice = async (script: ScriptName) => {
    if (!(await step(script))) return false
    await step(script, input, 'It cannot be repeated, so a retry of an action would fail. ')
    return true
  }
  const waitFor = (script: 'check' | 'archive_check') => waitForSuccess(harness, script, input, timeoutMs)

  // First: a running deployment of this name is not touched.
  if (harness.has('init')) await step('init', withoutConfig([]))
  const before = await harness.runAndReport('check', input, ({ result }) =>
    result.exitCode === 0
      ? { severity: 'error', message: `${name} is already running; give --lifecycle an unused name.` }
      : { severity: 'ok', message: `${name} does not exist yet` },
  )
  if (before === null || before.result.exitCode === 0) return

  // Then: the lifecycle, until a step fails.
  try {
    if (!((await twice('create')) && (await waitFor('check')))) return
    if (!((await twice('update')) && (await waitFor('check')))) return
    if (harness.has('notifications'))
      await step(
        'notifications',
        withoutConfig(notificationArguments(harness.project, name, 'CreatePending', 'Running')),
        'Octopod ignores this. ',
      )
    if (!((await twice('archive')) && (await waitFor('archive_check')))) return
    if (!((await twice('unarchive')) && (await waitFor('check')))) return
  } finally {
    // Finally: clean up, which needs an archived deployment.
    await step('archive')
    await waitFor('archive_check')
    await twice('cleanup')
    if (harness.signal.aborted)
      harness.report('cleanup', 'warning', `cleanup did not run; remove ${name} by hand.`)
  }
}

/** Runs the script again and again, as a runner does for a pending deployment. */
async function waitForSuccess(
  harness: Harness,
  script: 'check' | 'archive_check',
  input: ScriptInput,
  timeoutMs: number,
): Promise<boolean> {
  const endsAtMs = performance.now() + timeoutMs
  for (;;) {
    const run = await harness.run(script, input)
    if (run === null) return false
    const { exitCode } = run.result
    if (exitCode === 0) {
      harness.report(script, 'ok', 'exit code 0')
      return true
    }
    if (performance.now() > endsAtMs || harness.signal.aborted) {
      const output = lastOutput(run.stderr || run.stdout)
      harness.report(
        script,
        'error',
        `It still exits with ${exitCode} after ${timeoutMs / 1000} s. ${output}`,
      )
      return false
    }
    await sleep(pollMs, undefined, { signal: harness.signal }).catch(() => {})
  }
}
