/**
 * Where lint tries scripts out: runs one as a runner would and judges what is the same for all of them: that it starts, ends
 * in time, prints no secret, and passes no value to a shell. Called by lint-answers and lint-life.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ScriptResult } from '../../../domain/actions.ts'
import type { EffectiveConfig, Project, ScriptName } from '../../../domain/script.ts'
import { settings } from '../../../domain/settings.ts'
import { collectOutput } from '../../../runner/process/process.ts'
import { type ControlScripts, scriptEnvironment } from '../../../runner/scripts/find-scripts.ts'

export type Severity = 'ok' | 'warning' | 'fault'
export type Finding = { script: ScriptName | ''; severity: Severity; message: string; durationMs?: number }
export type LintRun = { result: ScriptResult; stdout: string; stderr: string }
/** What is wrong, or null; `fine` says what was seen when nothing is. */
type Judge = (ran: LintRun) => { severity: Severity; message: string }

export type Harness = {
  project: Project
  findings: Finding[]
  signal: AbortSignal
  has(script: ScriptName): boolean
  /** Runs it; null when it is not there, or did not end by itself, which is told. */
  run(script: ScriptName, args: string[]): Promise<LintRun | null>
  /** Runs it and tells what `judge` says. */
  runAndReport(script: ScriptName, args: string[], judge: Judge): Promise<LintRun | null>
  report(script: ScriptName, verdict: Severity, says: string): void
}

/** What is kept of each stream, as in a runner. */
const maxOutputBytes = 1024 * 1024
const readLimitMs = (name: 'CHECK_TIMEOUT' | 'CONTROL_SCRIPT_TIMEOUT' | 'SCRIPT_QUERY_TIMEOUT') =>
  settings[name].parse.parse(process.env[name])
const queryScripts: readonly ScriptName[] = [
  'config_check',
  'deployment_config',
  'deployment_config_keys',
  'application_config',
  'application_config_keys',
]
const checkScripts: readonly ScriptName[] = ['check', 'archive_check', 'info', 'notifications']
/** From here on users and checks wait noticeably. */
const slowMs = { query: 2_000, check: 5_000 }

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
  const run = async (script: ScriptName, args: string[]): Promise<LintRun | null> => {
    const file = scripts.path(script)
    if (file === null || signal.aborted) return null
    const killGraceMs = settings.KILL_GRACE.parse.parse(process.env.KILL_GRACE)
    const limits = { timeoutMs: timeoutOf(script), killGraceMs, signal }
    const ran = await collectOutput({ file, args, env, ...limits }, maxOutputBytes)
    const message = describeFailure(ran)
    if (message === null) return ran
    add({ script, severity: 'fault', message, durationMs: ran.result.durationMs })
    return null
  }
  return {
    project,
    findings,
    signal,
    run,
    has: (script) => scripts.path(script) !== null,
    report: (script, verdict, message) => add({ script, severity: verdict, message }),
    async runAndReport(script, args, judge) {
      const ran = await run(script, args)
      if (ran === null) return null
      const { durationMs } = ran.result
      add({ script, ...markSlow(script, durationMs, judge(ran)), durationMs })
      return ran
    },
  }
}

function timeoutOf(script: ScriptName): number {
  if (queryScripts.includes(script)) return readLimitMs('SCRIPT_QUERY_TIMEOUT')
  return readLimitMs(checkScripts.includes(script) ? 'CHECK_TIMEOUT' : 'CONTROL_SCRIPT_TIMEOUT')
}

/** What counts as failed whatever the script is for. */
function describeFailure({ result, stderr }: LintRun): string | null {
  if (result.error !== null) return result.error
  if (result.timedOut) return `It did not end within ${result.durationMs} ms and was stopped.`
  if (result.interrupted) return 'Stopped.'
  if (result.signal !== null) return `It was ended by ${result.signal}.`
  if (result.truncated) return `It printed more than ${maxOutputBytes} bytes.`
  if (result.exitCode === 126 || result.exitCode === 127)
    return `It ended with ${result.exitCode}: a program that it calls is not there. ${lastOutput(stderr)}`
  return null
}

function markSlow(
  script: ScriptName,
  durationMs: number,
  judgement: { severity: Severity; message: string },
) {
  const limit = queryScripts.includes(script)
    ? slowMs.query
    : checkScripts.includes(script)
      ? slowMs.check
      : null
  if (judgement.severity !== 'ok' || limit === null || durationMs <= limit) return judgement
  const consequence = queryScripts.includes(script) ? 'a user waits for it' : 'it is asked every few seconds'
  return { severity: 'warning' as const, message: `${judgement.message} It is slow: ${consequence}.` }
}

export const lastOutput = (text: string): string => text.trim().slice(-300)

/**
 * Values that show what a script does with values: if it lets a shell read one, a file appears; if it prints everything, the
 * secret does. `faults` looks what has happened.
 */
export function createUnusualValues() {
  const folder = mkdtempSync(join(tmpdir(), 'octopod-lint-'))
  const markerFile = join(folder, 'ran')
  const secret = randomBytes(12).toString('hex')
  return {
    addTo({ application, deployment }: EffectiveConfig): EffectiveConfig {
      const unusual = `it's "odd", {a=b}; $(touch ${markerFile}) \`touch ${markerFile}\` & two\nlines; touch ${markerFile}`
      return {
        deployment,
        application: [...application, ['lint.odd', unusual], ['lint.empty', ''], ['lint.password', secret]],
      }
    },
    findErrors({ stdout, stderr }: LintRun): string[] {
      return [
        existsSync(markerFile) && 'It gives values to a shell: a value was run as a command.',
        `${stdout}${stderr}`.includes(secret) && 'It prints the value of lint.password.',
      ].filter((error) => error !== false)
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
