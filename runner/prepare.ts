/** What comes before a script starts: its config, the yes of config_check, the links that `info` prints. */
import type { Claimed } from '../db/transition.ts'
import { actions } from '../domain/action.ts'
import type { EffectiveConfig } from '../domain/script.ts'
import type { Link } from '../domain/shapes.ts'
import { checkConfig } from './answer.ts'
import { effectiveConfig } from './config.ts'
import { parseLinks } from './csv.ts'
import { askAbout } from './run.ts'
import type { Workshop } from './workshop.ts'

/** `links` null: keep what is stored. `problems` are told in the output and stop nothing. */
export type Prepared =
  | { config: EffectiveConfig; links: Link[] | null; problems: string[] }
  | { refused: string }

/** What the scripts say is worth something only while `signal` has not aborted; then this comes to its end at once. */
export async function prepare(workshop: Workshop, held: Claimed, signal: AbortSignal): Promise<Prepared> {
  const config = await unlessAborted(effectiveConfig(workshop, held), signal)
  if (typeof config === 'string') return { refused: config }
  if (!actions[held.kind].prepared) return { config, links: null, problems: [] }

  // Usually the server has asked while the user waited; not when Redis was away.
  if (!held.configChecked) {
    const answer = await checkConfig(workshop, held, signal)
    if (answer.is === 'refused' || answer.is === 'failed') return { refused: answer.words.trim() }
  }
  return { config, ...(await askLinks(workshop, held.name, config, signal)) }
}

/** The config scripts' answers are for all who ask, so they go on; we do not wait for them. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | string> {
  const aborted = Promise.withResolvers<string>()
  const tell = () => aborted.resolve('No longer wanted.')
  if (signal.aborted) tell()
  signal.addEventListener('abort', tell, { once: true })
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    // As long as anybody listens, a signal made of others lives as long as they do: here as long as the runner.
    signal.removeEventListener('abort', tell)
  }
}

/** An info script that fails hinders nothing (as in Octopod 1.6): the links stay as they are. */
async function askLinks(
  workshop: Workshop,
  name: string,
  config: EffectiveConfig,
  signal: AbortSignal,
): Promise<{ links: Link[] | null; problems: string[] }> {
  const timeoutMs = workshop.settings.CHECK_TIMEOUT
  const asked = await askAbout(workshop, 'info', name, config, { signal, timeoutMs })
  if (asked.failure !== null) return { links: null, problems: [asked.failure] }
  try {
    return parseLinks(asked.stdout)
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    return { links: null, problems: [`The info script printed something that cannot be read: ${words}`] }
  }
}
