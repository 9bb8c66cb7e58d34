/**
 * Runs one script as a runner does and reports what is the same for all scripts: whether it starts, ends in time,
 * prints no secret and passes no value to a shell. Called by outputs.ts and lifecycle.ts.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emptyResult, type ScriptResult } from '../../../domain/actions.ts'
import type { EffectiveConfig, Project, ScriptInput, ScriptName } from '../../../domain/script.ts'
import { type Manifest, manifestName } from '../../../domain/scripts/manifest.ts'
import { settings } from '../../../domain/settings.ts'
import { configFileVariable } from '../../../runner/process/config-file.ts'
import { collectOutput } from '../../../runner/process/process.ts'
import type { ControlScripts } from '../../../runner/scripts/find-scripts.ts'
import { scriptEnvironment } from '../../../runner/scripts/script-environment.ts'
import { type ConfigFileUse, openConfigFile } from './config-file-use.ts'

export type Severity = 'ok' | 'warning' | 'error'
/** `script`: empty for a finding about the folder. */
export type Finding = { script: ScriptName | ''; severity: Severity; message: string; durationMs?: number }
export type LintRun = { result: ScriptResult; stdout: string; stderr: string }
export type Judgement = { severity: Severity; message: string }

export type Harness = {
  project: Project
  manifest: Manifest
  findings: Finding[]
  signal: AbortSignal
  has(script: ScriptName): boolean
  /** Returns null when the script does not exist or did not exit by itself. The latter is reported as an error. */
  run(script: ScriptName, input: ScriptInput): Promise<LintRun | null>
  /** Runs a script and reports the judgement of `judge`. */
  runAndReport(
    script: ScriptName,
    input: ScriptInput,
    judge: (run: LintRun) => Judgement,
  ): Promise<LintRun | null>
  report(script: ScriptName | '', severity: Severity, message: string): void
  /** Reports whether the values of the config are visible to others, and with `config: file` whether a script reads the file. */
  reportConfigUse(): void
}

/** The limit for each stream, as in a runner. */
const maxOutputBytes = 1024 * 1024

export function createHarness(
  scripts: ControlScripts,
  project: Project,
  signal: AbortSignal,
  onFinding: (finding: Finding) => void,
): Harness {
  const findings: Finding[] = []
  const env = scriptEnvironment(process.env, process.env.SCRIPT_ENVIRONMENT)
  const add = (finding: Finding) => {
    findings.push(finding)
    onFinding(finding)
  }
  const configFileUses = new Map<ScriptName, ConfigFileUse>()
  const collect = async (script: ScriptName, file: string, { args, configFile }: ScriptInput) => {
    const killGraceMs = settings.KILL_GRACE.parse.parse(process.env.KILL_GRACE)
    const timeoutMs = timeoutMsOf(script)
    const request = { file, args, env, timeoutMs, killGraceMs, signal }
    if (configFile === null) return collectOutput(request, maxOutputBytes)
    const opened = openConfigFile(configFile, file, timeoutMs + killGraceMs)
    if ('error' in opened) return { result: { ...emptyResult, error: opened.error }, stdout: '', stderr: '' }
    try {
      const { path, marker } = opened
      return await collectOutput(
        { ...request, env: { ...env, [configFileVariable]: path }, marker },
        maxOutputBytes,
      )
    } finally {
      const use = opened.end()
      if (configFileUses.get(script) !== 'read') configFileUses.set(script, use)
    }
  }
  const run = async (script: ScriptName, input: ScriptInput): Promise<LintRun | null> => {
    const file = scripts.path(script)
    if (file === null || signal.aborted) return null
    const lintRun = await collect(script, file, input)
    const message = describeFailure(script, lintRun)
    if (message === null) return lintRun
    add({ script, severity: 'error', message, durationMs: lintRun.result.durationMs })
    return null
  }
  return {
    project,
    manifest: scripts.manifest,
    findings,
    signal,
    run,
    has: (script) => scripts.path(script) !== null,
    report: (script, severity, message) => add({ script, severity, message }),
    reportConfigUse() {
      const finding = judgeConfigUse(scripts.manifest, configFileUses)
      if (finding !== null) add({ script: '', ...finding })
    },
    async runAndReport(script, input, judge) {
      const lintRun = await run(script, input)
      if (lintRun === null) return null
      const { durationMs } = lintRun.result
      add({ script, ...warnIfSlow(script, durationMs, judge(lintRun)), durationMs })
      return lintRun
    },
  }
}

/** Without `create` the scripts that use the config may not have run. */
function judgeConfigUse(
  { config }: Manifest,
  uses: ReadonlyMap<ScriptName, ConfigFileUse>,
): Judgement | null {
  if (config === 'argv')
    return {
      severity: 'warning',
      message: `The values of the config are arguments, which everybody on the machine can list, secrets included. Let the scripts read the file that ${configFileVariable} names, and write "config: file" into ${manifestName} ("version: 1" comes first).`,
    }
  const all = [...uses.values()]
  if (all.length === 0 || all.includes('read')) return null
  if (all.includes('unknown'))
    return {
      severity: 'warning',
      message: `Whether the scripts read the file that ${configFileVariable} names is not known, because this disk does not record it (noatime). Set TMPDIR to a folder of another disk.`,
    }
  const message = `${manifestName} has "config: file", but no script has read the file that ${configFileVariable} names, so the scripts do not know the config.`
  return uses.has('create')
    ? { severity: 'error', message }
    : { severity: 'warning', message: `${message} If only scripts such as create read it, use --lifecycle.` }
}

/** Scripts that a user waits for. */
const queryScripts: readonly ScriptName[] = [
  'config_check',
  'deployment_config',
  'deployment_config_keys',
  'application_config',
  'application_config_keys',
]
const checkScripts: readonly ScriptName[] = ['check', 'archive_check', 'info', 'notifications']

type TimeLimitSetting =
  | 'CHECK_TIMEOUT'
  | 'CONFIG_CHECK_TIMEOUT'
  | 'CONTROL_SCRIPT_TIMEOUT'
  | 'SCRIPT_QUERY_TIMEOUT'

function timeoutMsOf(script: ScriptName): number {
  const timeoutMs = (name: TimeLimitSetting) => settings[name].parse.parse(process.env[name])
  if (script === 'config_check') return timeoutMs('CONFIG_CHECK_TIMEOUT')
  if (queryScripts.includes(script)) return timeoutMs('SCRIPT_QUERY_TIMEOUT')
  // Without --follow; a runner lets it go on for half an hour.
  if (script === 'app_logs') return timeoutMs('CHECK_TIMEOUT')
  return timeoutMs(checkScripts.includes(script) ? 'CHECK_TIMEOUT' : 'CONTROL_SCRIPT_TIMEOUT')
}

/** Failures of any script; null when the script has exited by itself. */
function describeFailure(script: ScriptName, { result, stderr }: LintRun): string | null {
  if (result.error !== null) return result.error
  if (result.timedOut) return `It did not exit within ${result.durationMs} ms and was stopped.`
  if (result.interrupted) return 'Stopped.'
  if (result.signal !== null) return `It was ended by ${result.signal}.`
  // The output of an action is cut (OUTPUT_LIMIT), but of other scripts Octopod needs all of it.
  const isAction = !queryScripts.includes(script) && !checkScripts.includes(script)
  if (result.truncated && !isAction) return `It printed more than ${maxOutputBytes} bytes.`
  if (result.exitCode === 126 || result.exitCode === 127)
    return `It exited with ${result.exitCode}: a program that it calls does not exist. ${lastOutput(stderr)}`
  return null
}

const slowMs = { query: 2_000, check: 5_000 }

function warnIfSlow(script: ScriptName, durationMs: number, judgement: Judgement): Judgement {
  if (judgement.severity !== 'ok') return judgement
  const slow = (reason: string): Judgement => ({
    severity: 'warning',
    message: `${judgement.message}; it is slow, and ${reason}.`,
  })
  if (queryScripts.includes(script) && durationMs > slowMs.query) return slow('a user waits for it')
  if (checkScripts.includes(script) && durationMs > slowMs.check) return slow('it runs every few seconds')
  return judgement
}

export const lastOutput = (text: string): string => text.trim().slice(-300)

/**
 * Config values that show how a script handles values: one creates a file when a shell evaluates it, one is a secret
 * that must not be printed. `findErrors` returns what the script did wrong.
 */
export function createUnusualValues() {
  const folder = mkdtempSync(join(tmpdir(), 'octopod-lint-'))
  const markerFile = join(folder, 'evaluated')
  const secret = randomBytes(12).toString('hex')
  return {
    addTo({ application, deployment }: EffectiveConfig): EffectiveConfig {
      const command = `touch ${markerFile}`
      const unusual = `it's "unusual", {a=b}; $(${command}) \`${command}\` & two\nlines; ${command}`
      return {
        deployment,
        application: [
          ...application,
          ['lint.unusual', unusual],
          ['lint.empty', ''],
          ['lint.password', secret],
        ],
      }
    },
    findError: (): string | null =>
      existsSync(markerFile) ? 'It passes values to a shell: a value was run as a command.' : null,
    printsSecret: ({ stdout, stderr }: LintRun): boolean => `${stdout}${stderr}`.includes(secret),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
