/**
 * Where lint tries scripts out: runs one as a runner would and judges what is the same for all of them: that it starts, ends
 * in time, prints no secret, and passes no value to a shell. Called by lint-answers and lint-life.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ScriptResult } from '../domain/action.ts'
import type { EffectiveConfig, Project, ScriptName } from '../domain/script.ts'
import { settings } from '../domain/settings.ts'
import { collect } from './process.ts'
import { type Scripts, scriptEnvironment } from './scripts.ts'

export type Verdict = 'ok' | 'warning' | 'fault'
export type Finding = { script: ScriptName | ''; verdict: Verdict; says: string; durationMs?: number }
export type Ran = { result: ScriptResult; stdout: string; stderr: string }
/** What is wrong, or null; `fine` says what was seen when nothing is. */
type Judgement = (ran: Ran) => { verdict: Verdict; says: string }

export type Bench = {
  project: Project
  findings: Finding[]
  signal: AbortSignal
  has(script: ScriptName): boolean
  /** Runs it; null when it is not there, or did not end by itself, which is told. */
  run(script: ScriptName, args: string[]): Promise<Ran | null>
  /** Runs it and tells what `judge` says. */
  try(script: ScriptName, args: string[], judge: Judgement): Promise<Ran | null>
  tell(script: ScriptName, verdict: Verdict, says: string): void
}

/** What is kept of each stream, as in a runner. */
const answerBytes = 1024 * 1024
const limitOf = (name: 'CHECK_TIMEOUT' | 'CONTROL_SCRIPT_TIMEOUT' | 'QUESTION_TIMEOUT') =>
  settings[name].parse.parse(process.env[name])
const questions: readonly ScriptName[] = [
  'config_check',
  'deployment_config',
  'deployment_config_keys',
  'application_config',
  'application_config_keys',
]
const looks: readonly ScriptName[] = ['check', 'archive_check', 'info', 'notifications']
/** From here on users and checks wait noticeably. */
const slowMs = { question: 2_000, look: 5_000 }

export function createBench(
  scripts: Scripts,
  project: Project,
  signal: AbortSignal,
  say: (finding: Finding) => void,
): Bench {
  const findings: Finding[] = []
  const env = scriptEnvironment(process.env, process.env.SCRIPT_ENVIRONMENT)
  const add = (finding: Finding) => {
    findings.push(finding)
    say(finding)
  }
  const run = async (script: ScriptName, args: string[]): Promise<Ran | null> => {
    const file = scripts.path(script)
    if (file === null || signal.aborted) return null
    const killGraceMs = settings.KILL_GRACE.parse.parse(process.env.KILL_GRACE)
    const limits = { timeoutMs: timeoutOf(script), killGraceMs, signal }
    const ran = await collect({ file, args, env, ...limits }, answerBytes)
    const says = howItEnded(ran)
    if (says === null) return ran
    add({ script, verdict: 'fault', says, durationMs: ran.result.durationMs })
    return null
  }
  return {
    project,
    findings,
    signal,
    run,
    has: (script) => scripts.path(script) !== null,
    tell: (script, verdict, says) => add({ script, verdict, says }),
    async try(script, args, judge) {
      const ran = await run(script, args)
      if (ran === null) return null
      const { durationMs } = ran.result
      add({ script, ...slower(script, durationMs, judge(ran)), durationMs })
      return ran
    },
  }
}

function timeoutOf(script: ScriptName): number {
  if (questions.includes(script)) return limitOf('QUESTION_TIMEOUT')
  return limitOf(looks.includes(script) ? 'CHECK_TIMEOUT' : 'CONTROL_SCRIPT_TIMEOUT')
}

/** What counts as failed whatever the script is for. */
function howItEnded({ result, stderr }: Ran): string | null {
  if (result.problem !== null) return result.problem
  if (result.timedOut) return `It did not end within ${result.durationMs} ms and was stopped.`
  if (result.interrupted) return 'Stopped.'
  if (result.signal !== null) return `It was ended by ${result.signal}.`
  if (result.truncated) return `It printed more than ${answerBytes} bytes.`
  if (result.exitCode === 126 || result.exitCode === 127)
    return `It ended with ${result.exitCode}: a program that it calls is not there. ${lastWords(stderr)}`
  return null
}

function slower(script: ScriptName, durationMs: number, judged: { verdict: Verdict; says: string }) {
  const limit = questions.includes(script) ? slowMs.question : looks.includes(script) ? slowMs.look : null
  if (judged.verdict !== 'ok' || limit === null || durationMs <= limit) return judged
  const who = questions.includes(script) ? 'a user waits for it' : 'it is asked every few seconds'
  return { verdict: 'warning' as const, says: `${judged.says} It is slow: ${who}.` }
}

export const lastWords = (text: string): string => text.trim().slice(-300)

/**
 * Values that show what a script does with values: if it lets a shell read one, a file appears; if it prints everything, the
 * secret does. `faults` looks what has happened.
 */
export function createTrap() {
  const folder = mkdtempSync(join(tmpdir(), 'octopod-lint-'))
  const mark = join(folder, 'ran')
  const secret = randomBytes(12).toString('hex')
  return {
    config({ application, deployment }: EffectiveConfig): EffectiveConfig {
      const odd = `it's "odd", {a=b}; $(touch ${mark}) \`touch ${mark}\` & two\nlines; touch ${mark}`
      return {
        deployment,
        application: [...application, ['lint.odd', odd], ['lint.empty', ''], ['lint.password', secret]],
      }
    },
    faults({ stdout, stderr }: Ran): string[] {
      return [
        existsSync(mark) && 'It gives values to a shell: a value was run as a command.',
        `${stdout}${stderr}`.includes(secret) && 'It prints the value of lint.password.',
      ].filter((fault) => fault !== false)
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
