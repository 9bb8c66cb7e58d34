/**
 * Tests the scripts that change nothing: their exit codes, and whether a runner can read their output. Called by
 * main.ts.
 */
import { applyOverrides, type KeyValue, valueAdded } from '../../../domain/overrides.ts'
import {
  appLogArguments,
  configInput,
  type EffectiveConfig,
  lifecycleInput,
  type ScriptInput,
} from '../../../domain/script.ts'
import { parseKeys, parseLinks, parseMarkedKeys, parsePairs } from '../../../runner/scripts/csv.ts'
import { createUnusualValues, type Harness, type Judgement, type LintRun, lastOutput } from './harness.ts'

/** `extra` overrides the defaults. Returns the effective config, or null when a config script fails. */
export async function lintOutputs(
  harness: Harness,
  name: string,
  extra: EffectiveConfig,
): Promise<EffectiveConfig | null> {
  const config = await lintConfig(harness, extra)
  if (config === null) return null
  const input = lifecycleInput(harness.manifest, harness.project, name, config)
  await harness.runAndReport('config_check', input, judgeConfigCheck)
  await harness.runAndReport('info', input, judgeInfo)
  await harness.runAndReport('check', input, (run) => judgeCheck(run, name))
  await harness.runAndReport('archive_check', input, (run) => judgeArchiveCheck(run, name))
  await lintAppLogs(harness, input)
  await lintUnusualValues(harness, name, config)
  return config
}

/** The config scripts of the application level receive the deployment config. */
async function lintConfig(harness: Harness, extra: EffectiveConfig): Promise<EffectiveConfig | null> {
  const deployment = await lintConfigLevel(harness, 'deployment_config', extra.deployment, [])
  if (deployment === null) return null
  const application = await lintConfigLevel(harness, 'application_config', extra.application, deployment)
  return application === null ? null : { deployment, application }
}

async function lintConfigLevel(
  harness: Harness,
  script: 'deployment_config' | 'application_config',
  extra: readonly KeyValue[],
  deployment: readonly KeyValue[],
): Promise<KeyValue[] | null> {
  const parsed: KeyValue[][] = []
  await harness.runAndReport(
    script,
    configInput(harness.manifest, script, harness.project, deployment),
    (run) =>
      judgeOutput(run, () => {
        const defaults = parsePairs(run.stdout)
        parsed.push(defaults)
        return counted(defaults.length, 'default')
      }),
  )
  const keys = `${script}_keys` as const
  await harness.runAndReport(keys, configInput(harness.manifest, keys, harness.project, deployment), (run) =>
    judgeOutput(run, () => {
      if (!harness.manifest.marksSecretKeys) return counted(parseKeys(run.stdout).length, 'key')
      const marked = parseMarkedKeys(run.stdout)
      return `${counted(marked.keys.length, 'key')}, ${marked.secretKeys.length} marked as secret`
    }),
  )
  const [defaults] = parsed
  if (defaults === undefined) return null
  return applyOverrides(
    defaults,
    extra.map(([key, value]) => valueAdded(key, value)),
  )
}

function judgeOutput(run: LintRun, parse: () => string): Judgement {
  if (run.result.exitCode !== 0) return failed(run)
  try {
    return ok(parse())
  } catch (error) {
    return {
      severity: 'error',
      message: `The output cannot be read: ${error instanceof Error ? error.message : error}`,
    }
  }
}

function judgeConfigCheck(run: LintRun): Judgement {
  const { result, stdout } = run
  if (result.exitCode === 0) return ok('accepts the defaults')
  if (stdout.trim() === '')
    return {
      severity: 'warning',
      message: 'It rejects the defaults without a message on stdout, so users would not see why.',
    }
  return {
    severity: 'warning',
    message: `It rejects the defaults, so users cannot create a deployment without config. ${lastOutput(stdout)}`,
  }
}

function judgeInfo(run: LintRun): Judgement {
  if (run.result.exitCode !== 0) return failed(run)
  try {
    const { links, warnings } = parseLinks(run.stdout)
    if (warnings.length > 0) return { severity: 'warning', message: warnings.join('\n') }
    if (links.length === 0)
      return {
        severity: 'warning',
        message: 'It prints no link. It runs before create, so it must know the links by then.',
      }
    return ok(links.map(({ name, link }) => `${name} ${link}`).join('\n'))
  } catch (error) {
    return {
      severity: 'error',
      message: `The output cannot be read: ${error instanceof Error ? error.message : error}`,
    }
  }
}

function judgeCheck({ result }: LintRun, name: string): Judgement {
  if (result.exitCode === 0)
    return {
      severity: 'warning',
      message: `It exits with 0, although ${name} does not exist. A deployment that has vanished would count as running.`,
    }
  return ok(`exit code ${result.exitCode} for a deployment that does not exist`)
}

function judgeArchiveCheck({ result, stdout, stderr }: LintRun, name: string): Judgement {
  if (result.exitCode === 0) return ok('exit code 0 for a deployment that does not exist')
  const message = `It exits with ${result.exitCode}, although ${name} does not exist. A deployment whose create has failed could never be archived.`
  return { severity: 'warning', message: `${message} ${lastOutput(stderr || stdout)}` }
}

/** Without --follow it must end by itself; harness.ts reports a script that does not. */
async function lintAppLogs(harness: Harness, input: ScriptInput): Promise<void> {
  if (!harness.has('app_logs')) return
  const args = [...input.args, ...appLogArguments(10, false)]
  await harness.runAndReport('app_logs', { ...input, args }, ({ result, stdout, stderr }) =>
    result.exitCode === 0
      ? ok('ends without --follow')
      : {
          severity: 'warning',
          message: `It exits with ${result.exitCode} for a deployment that does not exist. Readers see: ${lastOutput(stderr || stdout)}`,
        },
  )
}

/** Unusual values must either be passed on unchanged or be rejected with a message. */
async function lintUnusualValues(harness: Harness, name: string, config: EffectiveConfig): Promise<void> {
  const unusualValues = createUnusualValues()
  try {
    const unusual = unusualValues.addTo(config)
    const input = lifecycleInput(harness.manifest, harness.project, name, unusual)
    for (const script of ['config_check', 'info', 'check', 'archive_check'] as const)
      await harness.runAndReport(script, input, (run) => {
        const error = unusualValues.findError()
        if (error !== null) return { severity: 'error', message: error }
        const isSilent = script === 'config_check' && run.result.exitCode !== 0 && run.stdout.trim() === ''
        const warnings = [
          unusualValues.printsSecret(run) &&
            'It prints the value of lint.password. Octopod masks it; other logs would show it.',
          isSilent && 'It rejects unusual values without a message on stdout, so users would not see why.',
        ].filter((warning) => warning !== false)
        if (warnings.length > 0) return { severity: 'warning', message: warnings.join('\n') }
        return ok('handles unusual values')
      })
  } finally {
    unusualValues.remove()
  }
}

const ok = (message: string): Judgement => ({ severity: 'ok', message })
const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
const failed = ({ result, stdout, stderr }: LintRun): Judgement => ({
  severity: 'error',
  message: `It exited with ${result.exitCode}. ${lastOutput(stderr || stdout)}`.trim(),
})
