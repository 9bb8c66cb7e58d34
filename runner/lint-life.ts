/** Lint of a whole life: what changes something, twice each, with the checks between. Called by lint.ts when it was asked for. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type EffectiveConfig,
  lifecycleArguments,
  notificationArguments,
  type ScriptName,
} from '../domain/script.ts'
import { type Bench, lastWords } from './lint-bench.ts'

const betweenMs = 1_000

/** Whatever happens in between, the deployment is cleaned up at the end; one that is there already is not touched. */
export async function live(
  bench: Bench,
  name: string,
  config: EffectiveConfig,
  patienceMs: number,
): Promise<void> {
  const args = lifecycleArguments(bench.project, name, config)
  const step = async (script: ScriptName, given = args) => {
    const ran = await bench.try(script, given, ({ result, stdout, stderr }) =>
      result.exitCode === 0
        ? { verdict: 'ok', says: 'exit code 0' }
        : { verdict: 'fault', says: `It ended with ${result.exitCode}. ${lastWords(stderr || stdout)}` },
    )
    return ran?.result.exitCode === 0
  }
  const twice = async (script: ScriptName) => (await step(script)) && (await step(script))
  const until = (script: 'check' | 'archive_check') => untilYes(bench, script, args, patienceMs)

  // First: nobody's deployment is to be touched.
  if (bench.has('init')) await step('init', [])
  const before = await bench.try('check', args, ({ result }) =>
    result.exitCode === 0
      ? { verdict: 'fault', says: `${name} is running already: give --life a name that nobody uses.` }
      : { verdict: 'ok', says: `${name} is not there yet` },
  )
  if (before === null || before.result.exitCode === 0) return

  // Then: the life, as long as every step works.
  try {
    if (!((await twice('create')) && (await until('check')))) return
    if (!((await twice('update')) && (await until('check')))) return
    if (bench.has('notifications'))
      await step('notifications', notificationArguments(bench.project, name, 'CreatePending', 'Running'))
    if (!((await twice('archive')) && (await until('archive_check')))) return
    if (!((await twice('unarchive')) && (await until('check')))) return
  } finally {
    // Finally: as a user would, archived first.
    await step('archive')
    await until('archive_check')
    await twice('cleanup')
    if (bench.signal.aborted)
      bench.tell('cleanup', 'warning', `It was not asked to remove ${name}: do that yourself.`)
  }
}

/** Asks as the runner does while a deployment is pending. */
async function untilYes(
  bench: Bench,
  script: 'check' | 'archive_check',
  args: string[],
  patienceMs: number,
): Promise<boolean> {
  const endsAt = performance.now() + patienceMs
  for (;;) {
    const ran = await bench.run(script, args)
    if (ran === null) return false
    const isLate = performance.now() > endsAt
    if (ran.result.exitCode !== 0 && !isLate && !bench.signal.aborted) {
      await sleep(betweenMs, undefined, { signal: bench.signal }).catch(() => {})
      continue
    }
    const isYes = ran.result.exitCode === 0
    const says = isYes
      ? 'says 0'
      : `It still says ${ran.result.exitCode} after ${patienceMs / 1000} s. ${lastWords(ran.stderr || ran.stdout)}`
    bench.tell(script, isYes ? 'ok' : 'fault', says)
    return isYes
  }
}
