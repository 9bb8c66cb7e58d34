/**
 * Tests a folder of control scripts: runs each one as a runner does and reports what violates the contract. By default
 * only scripts that change nothing run; --lifecycle NAME also creates, updates, archives, restores and cleans up a
 * deployment. Exit codes: 0 no errors, 1 errors, 2 usage error. Started by hand.
 */
import { parseArgs } from 'node:util'
import { deploymentNameError, longestNameLength } from '../../../domain/deployment-name.ts'
import { type KeyValue, parseKeyValue } from '../../../domain/overrides.ts'
import type { Project } from '../../../domain/script.ts'
import { manifestName } from '../../../domain/scripts/manifest.ts'
import { settings } from '../../../domain/settings.ts'
import { exitOnHelp } from '../../../lib/node/help.ts'
import { locateScripts } from '../../../runner/scripts/find-scripts.ts'
import { createHarness, type Finding, type Harness } from './harness.ts'
import { lintLifecycle } from './lifecycle.ts'
import { lintOutputs } from './outputs.ts'

const usage = `node infra/control-scripts/lint/main.ts FOLDER [--name NAME] [--lifecycle NAME] [--timeout SECONDS]
     [--application-config KEY=VALUE]... [--deployment-config KEY=VALUE]...

Runs the control scripts of FOLDER as a runner does, with the same environment and limits, and reports problems.
PROJECT_NAME, BASE_DOMAIN and NAMESPACE are passed to the scripts. --application-config and --deployment-config
override the defaults that the scripts print.

Without --lifecycle only config_check, info, check, archive_check, app_logs and the four config scripts run, for a deployment
that does not exist (--name, default octopod-lint). --lifecycle NAME creates the deployment NAME, updates it, archives
it, restores it and cleans it up, every step twice. --timeout is how long check and archive_check may take until they
exit with 0 (default 120).`

exitOnHelp(usage)
process.exitCode = await main()

async function main(): Promise<number> {
  // First: the arguments and the scripts.
  const options = readArguments()
  if (typeof options === 'string') {
    console.error(`${options}\n\n${usage}`)
    return 2
  }
  const { folder, name, lifecycleName, timeoutMs, application, deployment } = options
  const scripts = locateScripts({ CONTROL_SCRIPTS_DIR: folder })
  for (const message of scripts.errors) printFinding({ script: '', severity: 'error', message })
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort('interrupted'))
  const harness = createHarness(scripts, readProject(), stop.signal, printFinding)
  for (const key of scripts.unknownManifestKeys)
    harness.report('', 'warning', `${manifestName}: Octopod does not know the key ${key} and ignores it.`)

  // Then: the scripts that change nothing, and with --lifecycle the others.
  const config = await lintOutputs(harness, name, { application, deployment })
  if (lifecycleName !== null && config !== null && !stop.signal.aborted)
    await lintLifecycle(harness, lifecycleName, config, timeoutMs)

  // Finally: the summary.
  if (scripts.errors.length === 0) harness.reportConfigUse()
  return printSummary(harness, scripts.errors.length)
}

type Options = {
  folder: string
  name: string
  lifecycleName: string | null
  timeoutMs: number
  application: KeyValue[]
  deployment: KeyValue[]
}

/** Returns an error message for wrong arguments. */
function readArguments(): Options | string {
  try {
    const repeatable = { type: 'string', multiple: true, default: [] as string[] } as const
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        name: { type: 'string', default: 'octopod-lint' },
        lifecycle: { type: 'string' },
        timeout: { type: 'string', default: '120' },
        'application-config': repeatable,
        'deployment-config': repeatable,
      },
    })
    const [folder] = positionals
    const names = [values.name, values.lifecycle ?? values.name]
    const nameError = names
      .map((name) => deploymentNameError(name, longestNameLength))
      .find((error) => error !== null)
    const timeoutMs = Number(values.timeout) * 1000
    if (folder === undefined || positionals.length > 1) return 'One FOLDER is needed.'
    if (nameError) return nameError
    if (!(timeoutMs > 0)) return `--timeout ${values.timeout} is not a number of seconds.`
    const pairs = [...values['application-config'], ...values['deployment-config']]
    const invalidPair = pairs.find((pair) => parseKeyValue(pair) === null)
    if (invalidPair !== undefined) return `${JSON.stringify(invalidPair)} is not KEY=VALUE.`
    return {
      folder,
      name: values.name,
      lifecycleName: values.lifecycle ?? null,
      timeoutMs,
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
  const messageColumn = 44
  const duration = durationMs === undefined ? '' : `${durationMs} ms`
  const indented = message.replaceAll('\n', `\n${' '.repeat(messageColumn)}`)
  console.log(`${script.padEnd(24)}${severity.padEnd(9)}${duration.padStart(9)}  ${indented}`)
}

function printSummary({ findings }: Harness, missingScripts: number): number {
  const count = (severity: Finding['severity']) =>
    findings.filter((finding) => finding.severity === severity).length
  const errors = count('error') + missingScripts
  const countOf = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`
  const total = countOf(findings.length, 'finding')
  console.log(`\n${total}: ${countOf(errors, 'error')}, ${countOf(count('warning'), 'warning')}.`)
  return errors > 0 ? 1 : 0
}
