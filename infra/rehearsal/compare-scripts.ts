/**
 * Runs the scripts that change nothing twice: with the whole environment, as Octopod 1.6 did, and with the variables
 * that a runner passes. Reports what differs. Called by main.ts.
 */
import { applyOverrides, type KeyValue, overridesFromWire } from '../../domain/overrides.ts'
import {
  configInput,
  type EffectiveConfig,
  lifecycleInput,
  type Project,
  type ScriptInput,
} from '../../domain/script.ts'
import { settings } from '../../domain/settings.ts'
import { collectOutput } from '../../runner/process/process.ts'
import { parseKeys, parseLinks, parsePairs } from '../../runner/scripts/csv.ts'
import type { ControlScripts } from '../../runner/scripts/find-scripts.ts'
import { scriptEnvironment } from '../../runner/scripts/script-environment.ts'
import type { OldDeployment } from './read-database.ts'

type ScriptName = Parameters<ControlScripts['path']>[0]
type Run = { outcome: string; stdout: string; stderr: string; durationMs: number }
export type ScriptRunner = {
  scripts: ControlScripts
  project: Project
  signal: AbortSignal
  report(difference: string): void
}

const maxOutputBytes = 1024 * 1024
/** Octopod 1.6 stopped a script after 30 minutes. */
const oldTimeoutMs = 30 * 60 * 1000

export async function compareScripts(runner: ScriptRunner, deployments: OldDeployment[]): Promise<void> {
  const deployment = await compareConfig(runner, 'deployment_config', [])
  await compareKeys(runner, 'deployment_config_keys', [])
  for (const each of deployments) {
    if (runner.signal.aborted) return
    await compareDeployment(runner, each, deployment)
  }
}

async function compareDeployment(
  runner: ScriptRunner,
  old: OldDeployment,
  defaults: readonly KeyValue[],
): Promise<void> {
  const overrides = overridesFromWire(old)
  const deployment = applyOverrides(defaults, overrides.deployment)
  const application = applyOverrides(
    await compareConfig(runner, 'application_config', deployment, old.name),
    overrides.application,
  )
  await compareKeys(runner, 'application_config_keys', deployment, old.name)
  const config: EffectiveConfig = { application, deployment }
  const input = lifecycleInput(runner.scripts.manifest, runner.project, old.name, config)
  await compareRuns(runner, 'config_check', input, old.name)
  const info = await compareRuns(runner, 'info', input, old.name)
  if (info !== null) compareLinks(runner, old, info)
  await compareRuns(runner, old.status.startsWith('Archive') ? 'archive_check' : 'check', input, old.name)
}

/** → the defaults; empty if they cannot be read, which is reported */
async function compareConfig(
  runner: ScriptRunner,
  script: 'deployment_config' | 'application_config',
  deployment: readonly KeyValue[],
  name?: string,
): Promise<KeyValue[]> {
  const input = configInput(runner.scripts.manifest, script, runner.project, deployment)
  const run = await compareRuns(runner, script, input, name)
  return run === null ? [] : (readOutput(runner, script, () => parsePairs(run.stdout), name) ?? [])
}

async function compareKeys(
  runner: ScriptRunner,
  script: 'deployment_config_keys' | 'application_config_keys',
  deployment: readonly KeyValue[],
  name?: string,
): Promise<void> {
  const input = configInput(runner.scripts.manifest, script, runner.project, deployment)
  const run = await compareRuns(runner, script, input, name)
  if (run !== null) readOutput(runner, script, () => parseKeys(run.stdout), name)
}

/** Links are stored when an action runs, so other links in the database are normal until the next action. */
function compareLinks(runner: ScriptRunner, old: OldDeployment, run: Run): void {
  const read = readOutput(runner, 'info', () => parseLinks(run.stdout), old.name)
  if (read === null) return
  for (const warning of read.warnings) runner.report(`${old.name}: info: ${warning}`)
  const format = (links: { name: string; link: string }[]) =>
    links
      .map(({ name, link }) => `${name} ${link}`)
      .sort()
      .join(', ')
  if (format(read.links) !== format(old.links))
    runner.report(
      `${old.name}: the next action changes its links from "${format(old.links)}" to "${format(read.links)}".`,
    )
}

/** → the run with the environment of Octopod 2, or null if it failed */
async function compareRuns(
  runner: ScriptRunner,
  script: ScriptName,
  input: ScriptInput,
  name?: string,
): Promise<Run | null> {
  const file = runner.scripts.path(script)
  if (file === null || runner.signal.aborted) return null
  const title = name === undefined ? script : `${name}: ${script}`
  const whole = Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  )
  const run = (env: Record<string, string>) => runOnce(runner, file, input, env)
  const before = await run(whole)
  const after = await run(scriptEnvironment(process.env, process.env.SCRIPT_ENVIRONMENT))
  const limitMs = timeLimitMs(script)
  if (after.durationMs > limitMs)
    runner.report(`${title}: it takes ${after.durationMs} ms, but Octopod 2 stops it after ${limitMs} ms.`)
  if (before.outcome !== after.outcome)
    runner.report(
      `${title}: ${before.outcome} with the whole environment, but ${after.outcome} with the variables that Octopod 2 passes. ` +
        `SCRIPT_ENVIRONMENT names more of them. ${lastLine(after.stderr || after.stdout)}`,
    )
  else if (before.stdout !== after.stdout && isOutputRead(script))
    runner.report(`${title}: it prints something else with the variables that Octopod 2 passes.`)
  return after.outcome === 'exit code 0' ? after : null
}

async function runOnce(
  { signal }: ScriptRunner,
  file: string,
  input: ScriptInput,
  env: Record<string, string>,
): Promise<Run> {
  const killGraceMs = settings.KILL_GRACE.parse.parse(process.env.KILL_GRACE)
  const request = { file, ...input, env, timeoutMs: oldTimeoutMs, killGraceMs, signal }
  const { result, stdout, stderr } = await collectOutput(request, maxOutputBytes)
  const outcome = result.error ?? (result.signal === null ? `exit code ${result.exitCode}` : result.signal)
  return { outcome, stdout, stderr, durationMs: result.durationMs }
}

function readOutput<T>(runner: ScriptRunner, script: ScriptName, parse: () => T, name?: string): T | null {
  try {
    return parse()
  } catch (error) {
    const title = name === undefined ? script : `${name}: ${script}`
    runner.report(`${title}: its output cannot be read: ${error instanceof Error ? error.message : error}`)
    return null
  }
}

function timeLimitMs(script: ScriptName): number {
  const isCheck = ['check', 'archive_check', 'info'].includes(script)
  const other = isCheck ? 'CHECK_TIMEOUT' : 'SCRIPT_QUERY_TIMEOUT'
  const name = script === 'config_check' ? 'CONFIG_CHECK_TIMEOUT' : other
  return settings[name].parse.parse(process.env[name])
}

/** The output of the others has no meaning for Octopod. */
const isOutputRead = (script: ScriptName) => script === 'info' || script.includes('config')
const lastLine = (text: string) => text.trim().split('\n').at(-1)?.slice(0, 300) ?? ''
