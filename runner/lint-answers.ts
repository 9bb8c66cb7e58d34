/** Lint of the scripts that change nothing: what they answer, and whether a runner could read it. Called by lint.ts. */
import { added, applyOverrides, type Pair } from '../domain/overrides.ts'
import { configArguments, type EffectiveConfig, lifecycleArguments } from '../domain/script.ts'
import { parseKeys, parseLinks, parsePairs } from './csv.ts'
import { type Bench, createTrap, lastWords, type Ran, type Verdict } from './lint-bench.ts'

type Judged = { verdict: Verdict; says: string }

/** `extra`: set on top of the defaults. → the effective config; null when it cannot be known. */
export async function examine(
  bench: Bench,
  name: string,
  extra: EffectiveConfig,
): Promise<EffectiveConfig | null> {
  const config = await examineConfig(bench, extra)
  if (config === null) return null
  const args = lifecycleArguments(bench.project, name, config)
  await bench.try('config_check', args, judgeConfigCheck)
  await bench.try('info', args, judgeInfo)
  await bench.try('check', args, (ran) => judgeCheck(ran, name))
  await bench.try('archive_check', args, (ran) => judgeArchiveCheck(ran, name))
  await examineValues(bench, name, config)
  return config
}

/** The four config scripts, each level on the one before. */
async function examineConfig(bench: Bench, extra: EffectiveConfig): Promise<EffectiveConfig | null> {
  const deployment = await examineLevel(bench, 'deployment_config', extra.deployment, [])
  if (deployment === null) return null
  const application = await examineLevel(bench, 'application_config', extra.application, deployment)
  return application === null ? null : { deployment, application }
}

async function examineLevel(
  bench: Bench,
  script: 'deployment_config' | 'application_config',
  extra: readonly Pair[],
  deployment: readonly Pair[],
): Promise<Pair[] | null> {
  const found: Pair[][] = []
  await bench.try(script, configArguments(script, bench.project, deployment), (ran) =>
    answered(ran, () => {
      const defaults = parsePairs(ran.stdout)
      found.push(defaults)
      return counted(defaults.length, 'default')
    }),
  )
  const keys = `${script}_keys` as const
  await bench.try(keys, configArguments(keys, bench.project, deployment), (ran) =>
    answered(ran, () => counted(parseKeys(ran.stdout).length, 'key')),
  )
  const [defaults] = found
  if (defaults === undefined) return null
  return applyOverrides(
    defaults,
    extra.map(([key, value]) => added(key, value)),
  )
}

/** A failing config script is an error for whoever asks. */
function answered(ran: Ran, read: () => string): Judged {
  if (ran.result.exitCode !== 0) return failed(ran)
  try {
    return ok(read())
  } catch (error) {
    return {
      verdict: 'fault',
      says: `It printed something that cannot be read: ${error instanceof Error ? error.message : error}`,
    }
  }
}

function judgeConfigCheck(ran: Ran): Judged {
  const { result, stdout } = ran
  if (result.exitCode === 0) return ok('accepts the defaults')
  if (stdout.trim() === '')
    return { verdict: 'fault', says: 'It refuses the defaults and does not say why on its standard output.' }
  return {
    verdict: 'warning',
    says: `It refuses the defaults: nothing can be created without settings. ${lastWords(stdout)}`,
  }
}

function judgeInfo(ran: Ran): Judged {
  if (ran.result.exitCode !== 0) return failed(ran)
  try {
    const { links, problems } = parseLinks(ran.stdout)
    if (problems.length > 0) return { verdict: 'fault', says: problems.join('\n') }
    if (links.length === 0)
      return {
        verdict: 'warning',
        says: 'It tells no link. It is asked before create, so it must know them by then.',
      }
    return ok(links.map(({ name, link }) => `${name} ${link}`).join('\n'))
  } catch (error) {
    return {
      verdict: 'fault',
      says: `It printed something that cannot be read: ${error instanceof Error ? error.message : error}`,
    }
  }
}

function judgeCheck({ result }: Ran, name: string): Judged {
  if (result.exitCode === 0)
    return { verdict: 'fault', says: `It says that ${name} is running, which nobody has created.` }
  return ok(`says ${result.exitCode} about what is not there`)
}

function judgeArchiveCheck({ result, stdout, stderr }: Ran, name: string): Judged {
  if (result.exitCode === 0) return ok('says 0 about what is not there')
  const says = `It says that ${name} still runs, which nobody has created: a create that failed could never be archived.`
  return { verdict: 'warning', says: `${says} ${lastWords(stderr || stdout)}` }
}

/** Values that people do type: odd ones are either taken as they are or refused in words. */
async function examineValues(bench: Bench, name: string, config: EffectiveConfig): Promise<void> {
  const trap = createTrap()
  try {
    const args = lifecycleArguments(bench.project, name, trap.config(config))
    for (const script of ['config_check', 'info', 'check', 'archive_check'] as const)
      await bench.try(script, args, (ran) => {
        const faults = trap.faults(ran)
        if (faults.length > 0) return { verdict: 'fault', says: faults.join('\n') }
        const isSilent = script === 'config_check' && ran.result.exitCode !== 0 && ran.stdout.trim() === ''
        if (isSilent)
          return {
            verdict: 'fault',
            says: 'It refuses odd values and does not say why on its standard output.',
          }
        return ok('takes odd values as values')
      })
  } finally {
    trap.remove()
  }
}

const ok = (says: string): Judged => ({ verdict: 'ok', says })
const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`
const failed = ({ result, stdout, stderr }: Ran): Judged => ({
  verdict: 'fault',
  says: `It ended with ${result.exitCode}. ${lastWords(stderr || stdout)}`.trim(),
})
