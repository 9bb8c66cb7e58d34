/**
 * `npm run lint:scripts -- FOLDER`: runs each script of a folder against the contract and reports, before any deployment
 * depends on it. By itself it runs only what changes nothing; --life NAME goes through a whole life. Exit code 0: no fault,
 * 1: faults, 2: it was called wrongly.
 */
import { parseArgs } from 'node:util'
import { nameProblem } from '../domain/name.ts'
import { type Pair, parsePair } from '../domain/overrides.ts'
import type { Project } from '../domain/script.ts'
import { settings } from '../domain/settings.ts'
import { examine } from './lint-answers.ts'
import { type Bench, createBench, type Finding } from './lint-bench.ts'
import { live } from './lint-life.ts'
import { lookForScripts } from './scripts.ts'

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
  const asked = read()
  if (typeof asked === 'string') {
    console.error(`${asked}\n\n${usage}`)
    return 2
  }
  const { folder, name, life, patienceMs, application, deployment } = asked
  const found = lookForScripts({ CONTROL_SCRIPTS_DIR: folder })
  for (const problem of found.problems) say({ script: '', verdict: 'fault', says: problem })
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort('interrupted'))
  const bench = createBench(found, project(), stop.signal, say)

  // Then: the scripts that change nothing; and, where a life is asked for, the others.
  const config = await examine(bench, name, { application, deployment })
  if (life !== null && config !== null && !stop.signal.aborted) await live(bench, life, config, patienceMs)

  // Finally: the sum.
  return sum(bench, found.problems.length)
}

function read() {
  try {
    const several = { type: 'string', multiple: true, default: [] as string[] } as const
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        name: { type: 'string', default: 'octopod-lint' },
        life: { type: 'string' },
        patience: { type: 'string', default: '120' },
        'application-config': several,
        'deployment-config': several,
      },
    })
    const [folder] = positionals
    const names = [values.name, values.life ?? values.name]
    const wrongName = names.map(nameProblem).find((problem) => problem !== null)
    const patienceMs = Number(values.patience) * 1000
    if (folder === undefined || positionals.length > 1) return 'Give it one folder.'
    if (wrongName) return wrongName
    if (!(patienceMs > 0)) return `--patience ${values.patience} is not a number of seconds.`
    const pairs = [...values['application-config'], ...values['deployment-config']]
    const wrongPair = pairs.find((pair) => parsePair(pair) === null)
    if (wrongPair !== undefined) return `${JSON.stringify(wrongPair)} is not KEY=VALUE.`
    return {
      folder,
      name: values.name,
      life: values.life ?? null,
      patienceMs,
      application: pairsOf(values['application-config']),
      deployment: pairsOf(values['deployment-config']),
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function pairsOf(texts: string[]): Pair[] {
  return texts.map(parsePair).filter((pair) => pair !== null)
}

function project(): Project {
  const { PROJECT_NAME, BASE_DOMAIN, NAMESPACE } = settings
  return {
    projectName: PROJECT_NAME.parse.parse(process.env.PROJECT_NAME),
    baseDomain: BASE_DOMAIN.parse.parse(process.env.BASE_DOMAIN),
    namespace: NAMESPACE.parse.parse(process.env.NAMESPACE),
  }
}

function say({ script, verdict, says, durationMs }: Finding): void {
  const time = durationMs === undefined ? '' : `${durationMs} ms`
  console.log(
    `${script.padEnd(24)}${verdict.padEnd(9)}${time.padStart(9)}  ${says.replaceAll('\n', `\n${' '.repeat(44)}`)}`,
  )
}

function sum({ findings }: Bench, missing: number): number {
  const count = (verdict: Finding['verdict']) =>
    findings.filter((finding) => finding.verdict === verdict).length
  const faults = count('fault') + missing
  const words = (number: number, word: string) => `${number} ${word}${number === 1 ? '' : 's'}`
  console.log(
    `\n${words(findings.length, 'finding')}: ${words(faults, 'fault')}, ${words(count('warning'), 'warning')}.`,
  )
  return faults > 0 ? 1 : 0
}
