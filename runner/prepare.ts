/** What comes before a script starts: its config, the yes of config_check, the links that `info` prints. */
import type { Claimed } from '../db/transition.ts'
import { actions, type ScriptResult } from '../domain/action.ts'
import { type EffectiveConfig, lifecycleArguments } from '../domain/script.ts'
import type { Link } from '../domain/shapes.ts'
import { checkConfig } from './answer.ts'
import { effectiveConfig } from './config.ts'
import { parseLinks } from './csv.ts'
import { ask, failureOfScript } from './run.ts'
import type { Workshop } from './workshop.ts'

/** `links` null: keep what is stored. `problems` are told in the output and stop nothing. */
export type Prepared =
  | { config: EffectiveConfig; links: Link[] | null; problems: string[] }
  | { refused: Partial<ScriptResult> & { problem: string } }

export async function prepare(workshop: Workshop, held: Claimed, signal: AbortSignal): Promise<Prepared> {
  const config = await effectiveConfig(workshop, held)
  if (typeof config === 'string') return { refused: { problem: config } }
  if (!actions[held.kind].prepared) return { config, links: null, problems: [] }

  // Usually the server has asked while the user waited; not when Redis was away.
  if (!held.configChecked) {
    const answer = await checkConfig(workshop, held, signal)
    if (answer.is === 'refused' || answer.is === 'failed')
      return { refused: { problem: answer.words.trim() } }
  }
  return { config, ...(await askLinks(workshop, held.name, config, signal)) }
}

/** An info script that fails hinders nothing (as in Octopod 1.6): the links stay as they are. */
async function askLinks(
  workshop: Workshop,
  name: string,
  config: EffectiveConfig,
  signal: AbortSignal,
): Promise<{ links: Link[] | null; problems: string[] }> {
  const asked = await ask(workshop, 'info', lifecycleArguments(workshop.project, name, config), {
    signal,
    timeoutMs: workshop.settings.CHECK_TIMEOUT,
  })
  const failure = failureOfScript('info', asked)
  if (failure !== null) return { links: null, problems: [failure] }
  try {
    return parseLinks(asked.stdout)
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    return { links: null, problems: [`The info script printed something that cannot be read: ${words}`] }
  }
}
