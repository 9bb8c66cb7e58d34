/**
 * `npx node infra/control-scripts/lint/main.ts FOLDER`: runs each script of a folder against the contract and reports, before any deployment
 * depends on it. By itself it runs only what changes nothing; --life NAME goes through a whole life. Exit code 0: no fault,
 * 1: faults, 2: it was called wrongly.
 */
import { parseArgs } from 'node:util'
import { deploymentNameError } from '../../../domain/deployment-name.ts'
import { type KeyValue, parseKeyValue } from '../../../domain/overrides.ts'
import type { Project } from '../../../domain/script.ts'
import { settings } from '../../../domain/settings.ts'
import { locateScripts } from '../../../runner/scripts/find-scripts.ts'
import { createHarness, type Finding, type Harness } from './harness.ts'
import { lintLifecycle } from './lifecycle.ts'
import { lintOutputs } from './outputs.ts'

const usage = `lint:scripts FOLDER [--name NAME] [--life NAME] [--patience SECONDS]
             [--application-config KEY=VALUE]... [--deployment-config KEY=VALUE]...

Runs the control scripts of FOLDER as a runner would, with its environment and its limits, and reports. PROJECT_NAME,
BASE_DOMAIN and NAMESPACE are what the scripts are given. --application-config and --deployment-config are set on top of
the defaults that the scripts print.

Without --life only config_check, info, check, archive_check and the four config scripts run, about a deployment that does
not exist (--name, octopod-lint if not given). --life NAME creates the deployment NAME, updates it, archives it, restores it
and cleans it up, every step twice; --patience is how long check and archive_check may take to say yes (120 s).`

process.exitCode = await main()

async function main(): Promise<number> {
  // First: what is asked for.
  const options = readArguments()
  if (typeof options === 'string') {
    console.error(`${options}\n\n${usage}`)
    return 2
  }
  const { folder, name, lifecycleName, patienceMs: timeoutMs, application, deployment } = options
  const found = locateScripts({ CONTROL_SCRIPTS_DIR: folder })
  for (const problem of found.errors) printFinding({ script: '', severity: 'fault', message: problem })
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort('interrupted'))
  const bench = createHarness(found, readProject(), stop.signal, printFinding)

  // Then: the scripts that change nothing; and, where a life is asked for, the others.
  const config = await lintOutputs(bench, name, { application, deployment })
  if (lifecycleName !== null && config !== null && !stop.signal.aborted)
    await lintLifecycle(bench, lifecycleName, config, timeoutMs)

  // Finally: the sum.
  return printSummary(bench, found.errors.length)
}

function readArguments() {
  try {
    const repeatable = { type: 'string', multiple: true, default: [] as string[] } as const
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        name: { type: 'string', default: 'octopod-lint' },
        life: { type: 'string' },
        patience: { type: 'string', default: '120' },
        'application-config': repeatable,
        'deployment-config': repeatable,
      },
    })
    const [folder] = positionals
    const names = [values.name, values.life ?? values.name]
    const wrongName = names.map(deploymentNameError).find((problem) => problem !== null)
    const timeoutMs = Number(values.patience) * 1000
    if (folder === undefined || positionals.length > 1) return 'Give it one folder.'
    if (wrongName) return wrongName
    if (!(timeoutMs > 0)) return `--patience ${values.patience} is not a number of seconds.`
    const pairs = [...values['application-config'], ...values['deployment-config']]
    const wrongPair = pairs.find((pair) => parseKeyValue(pair) === null)
    if (wrongPair !== undefined) return `${JSON.stringify(wrongPair)} is not KEY=VALUE.`
    return {
      folder,
      name: values.name,
      lifecycleName: values.life ?? null,
      patienceMs: timeoutMs,
      application: parseKeyValues(values['application-config']),
      deployment: parseKeyValues(values['deployment-config']),
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function parseKeyValues(texts: string[]): KeyValue[] {
  return texts.map(parseKeyValue).filter((pair) => pair !== null)
}

function readProject(): Project {
  const { PROJECT_NAME, BASE_DOMAIN, NAMESPACE } = settings
  return {
    projectName: PROJECT_NAME.parse.parse(process.env.PROJECT_NAME),
    baseDomain: BASE_DOMAIN.parse.parse(process.env.BASE_DOMAIN),
    namespace: NAMESPACE.parse.parse(process.env.NAMESPACE),
  }
}

function printFinding({ script, severity, message, durationMs }: Finding): void {
  const time = durationMs === undefined ? '' : `${durationMs} ms`
  console.log(
    `${script.padEnd(24)}${severity.padEnd(9)}${time.padStart(9)}  ${message.replaceAll('\n', `\n${' '.repeat(44)}`)}`,
  )
}

function printSummary({ findings }: Harness, missing: number): number {
  const count = (verdict: Finding['severity']) =>
    findings.filter((finding) => finding.severity === verdict).length
  const faults = count('fault') + missing
  const countOf = (number: number, word: string) => `${number} ${word}${number === 1 ? '' : 's'}`
  console.log(
    `\n${countOf(findings.length, 'finding')}: ${countOf(faults, 'fault')}, ${countOf(count('warning'), 'warning')}.`,
  )
  return faults > 0 ? 1 : 0
}
