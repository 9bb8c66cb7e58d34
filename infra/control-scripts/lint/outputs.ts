/** Lint of the scripts that change nothing: what they answer, and whether a runner could read it. Called by main.ts. */
import { applyOverrides, type KeyValue, valueAdded } from '../../../domain/overrides.ts'
import { configArguments, type EffectiveConfig, lifecycleArguments } from '../../../domain/script.ts'
import { parseKeys, parseLinks, parsePairs } from '../../../runner/scripts/csv.ts'
import { createUnusualValues, type Harness, type LintRun, lastOutput, type Severity } from './harness.ts'

type Judgement = { severity: Severity; message: string }

/** `extra`: set on top of the defaults. → the effective config; null when it cannot be known. */
export async function lintOutputs(
  harness: Harness,
  name: string,
  extra: EffectiveConfig,
): Promise<EffectiveConfig | null> {
  const config = await lintConfig(harness, extra)
  if (config === null) return null
  const args = lifecycleArguments(harness.project, name, config)
  await harness.runAndReport('config_check', args, judgeConfigCheck)
  await harness.runAndReport('info', args, judgeInfo)
  await harness.runAndReport('check', args, (run) => judgeCheck(run, name))
  await harness.runAndReport('archive_check', args, (run) => judgeArchiveCheck(run, name))
  await lintUnusualValues(harness, name, config)
  return config
}

/** The four config scripts, each level on the one before. */
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
  await harness.runAndReport(script, configArguments(script, harness.project, deployment), (run) =>
    judgeOutput(run, () => {
      const defaults = parsePairs(run.stdout)
      parsed.push(defaults)
      return counted(defaults.length, 'default')
    }),
  )
  const keys = `${script}_keys` as const
  await harness.runAndReport(keys, configArguments(keys, harness.project, deployment), (run) =>
    judgeOutput(run, () => counted(parseKeys(run.stdout).length, 'key')),
  )
  const [defaults] = parsed
  if (defaults === undefined) return null
  return applyOverrides(
    defaults,
    extra.map(([key, value]) => valueAdded(key, value)),
  )
}

/** A failing config script is an error for whoever asks. */
function judgeOutput(run: LintRun, parse: () => string): Judgement {
  if (run.result.exitCode !== 0) return failed(run)
  try {
    return ok(parse())
  } catch (error) {
    return {
      severity: 'fault',
      message: `It printed something that cannot be read: ${error instanceof Error ? error.message : error}`,
    }
  }
}

function judgeConfigCheck(run: LintRun): Judgement {
  const { result, stdout } = run
  if (result.exitCode === 0) return ok('accepts the defaults')
  if (stdout.trim() === '')
    return {
      severity: 'fault',
      message: 'It refuses the defaults and does not say why on its standard output.',
    }
  return {
    severity: 'warning',
    message: `It refuses the defaults: nothing can be created without settings. ${lastOutput(stdout)}`,
  }
}

function judgeInfo(run: LintRun): Judgement {
  if (run.result.exitCode !== 0) return failed(run)
  try {
    const { links, warnings } = parseLinks(run.stdout)
    if (warnings.length > 0) return { severity: 'fault', message: warnings.join('\n') }
    if (links.length === 0)
      return {
        severity: 'warning',
        message: 'It tells no link. It is asked before create, so it must know them by then.',
      }
    return ok(links.map(({ name, link }) => `${name} ${link}`).join('\n'))
  } catch (error) {
    return {
      severity: 'fault',
      message: `It printed something that cannot be read: ${error instanceof Error ? error.message : error}`,
    }
  }
}

function judgeCheck({ result }: LintRun, name: string): Judgement {
  if (result.exitCode === 0)
    return { severity: 'fault', message: `It says that ${name} is running, which nobody has created.` }
  return ok(`says ${result.exitCode} about what is not there`)
}

function judgeArchiveCheck({ result, stdout, stderr }: LintRun, name: string): Judgement {
  if (result.exitCode === 0) return ok('says 0 about what is not there')
  const message = `It says that ${name} still runs, which nobody has created: a create that failed could never be archived.`
  return { severity: 'warning', message: `${message} ${lastOutput(stderr || stdout)}` }
}

/** Values that people do type: odd ones are either taken as they are or refused in words. */
async function lintUnusualValues(harness: Harness, name: string, config: EffectiveConfig): Promise<void> {
  const trap = createUnusualValues()
  try {
    const args = lifecycleArguments(harness.project, name, trap.addTo(config))
    for (const script of ['config_check', 'info', 'check', 'archive_check'] as const)
      await harness.runAndReport(script, args, (run) => {
        const faults = trap.findErrors(run)
        if (faults.length > 0) return { severity: 'fault', message: faults.join('\n') }
        const isSilent = script === 'config_check' && run.result.exitCode !== 0 && run.stdout.trim() === ''
        if (isSilent)
          return {
            severity: 'fault',
            message: 'It refuses odd values and does not say why on its standard output.',
          }
        return ok('takes odd values as values')
      })
  } finally {
    trap.remove()
  }
}

const ok = (says: string): Judgement => ({ severity: 'ok', message: says })
const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`
const failed = ({ result, stdout, stderr }: LintRun): Judgement => ({
  severity: 'fault',
  message: `It ended with ${result.exitCode}. ${lastOutput(stderr || stdout)}`.trim(),
})
