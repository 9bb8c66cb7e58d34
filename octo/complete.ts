/**
 * What could be typed next, one candidate a line: the answer to the completion scripts. Never an error and never long:
 * somebody has pressed Tab. Called by run.ts.
 */
import type { CommandClass } from 'clipanion'
import { type ActionKind, actions } from '../domain/action.ts'
import { openClient } from './client.ts'
import { completionScripts } from './completion-scripts.ts'
import { readConnection } from './connection.ts'
import { chooseContext, readContexts } from './contexts.ts'
import type { Environment } from './environment.ts'
import { formats } from './output.ts'
import { takenBy } from './parser.ts'
import { letters, valueNames } from './spelling.ts'
import { statusOf } from './verdict.ts'

type Verbs = Readonly<Record<string, () => Promise<CommandClass>>>

const limits = { connectMs: 1000, answerMs: 2500 }

/** `words`: what follows `octo`, the last one being typed. */
export async function complete(
  verbs: Verbs,
  words: readonly string[],
  environment: Environment,
): Promise<string[]> {
  const typed = words.at(-1) ?? ''
  try {
    const all = await candidates(verbs, words.slice(0, -1), typed, environment)
    return [...new Set(all)].filter((one) => one.startsWith(typed) && !/[\s\p{C}]/u.test(one))
  } catch {
    return []
  }
}

async function candidates(
  verbs: Verbs,
  before: readonly string[],
  typed: string,
  environment: Environment,
): Promise<readonly string[]> {
  const [verb, second = ''] = before
  if (verb === undefined) return [...firsts(verbs), 'help']
  if (verb === 'help') return before.length === 1 ? firsts(verbs) : []
  const previous = before.at(-1) ?? ''
  const values = await valuesAfter(previous, verb, environment)
  if (values !== null) return values
  if (verb === 'completion') return Object.keys(completionScripts)
  if (verb === 'context' && before.length === 1 && !typed.startsWith('-')) return seconds(verbs, verb)
  if (verb === 'context' && before.length === 2 && second !== 'set' && !typed.startsWith('-')) {
    return contextNames(environment)
  }
  const load = verbs[`${verb} ${second}`] ?? verbs[verb]
  if (load === undefined) return []
  const options = takenBy(await load()).options.flatMap(({ names }) => names)
  return options.filter((name) => name.startsWith('--') || typed === name)
}

const firsts = (verbs: Verbs) => Object.keys(verbs).filter((verb) => !verb.includes(' '))
const seconds = (verbs: Verbs, verb: string) =>
  Object.keys(verbs).flatMap((known) => (known.startsWith(`${verb} `) ? [known.slice(verb.length + 1)] : []))

/** Null: the word before takes no value. */
async function valuesAfter(option: string, verb: string, environment: Environment): Promise<string[] | null> {
  const takesConfig = ['create', 'update', 'config'].includes(verb)
  switch (option) {
    case '-n':
    case '--name':
      return verb === 'create' ? [] : names(verb, environment)
    case '-a':
    case '--action':
      return actionIds(environment)
    case '-e':
    case '--set-app-config':
    case '-E':
    case '--unset-app-env-override':
      return keys('app', option.includes('unset') || option === '-E', environment)
    case '-o':
      if (!takesConfig) return [...formats]
      return [...formats, ...(await keys('deployment', false, environment))]
    case '-O':
    case '--set-deployment-config':
    case '--unset-deployment-override':
      return keys('deployment', !option.includes('-set-'), environment)
    case '--output':
      return [...formats]
    case '-l':
    case '--log-type':
      return ['stdout', 'stderr', 'all']
    case '--for':
      return ['running', 'archived', 'gone']
    case '--context':
      return contextNames(environment)
    default:
      // A value nobody can guess, or no value at all.
      return takesValue(option) ? [] : null
  }
}

const takesValue = (option: string) =>
  Object.hasOwn(letters, option.slice(1)) || Object.hasOwn(valueNames, option.slice(2))

const contextNames = (environment: Environment) => readContexts(environment).contexts.map(({ name }) => name)

/** Only deployments the command can be used on. */
async function names(verb: string, environment: Environment): Promise<string[]> {
  const from = Object.hasOwn(actions, verb) ? (actions[verb as ActionKind].from as readonly string[]) : null
  const all = await asking(environment, (octopod) => octopod.call('listDeployments', {}))
  return all
    .filter((info) => from === null || from.includes(statusOf(info)))
    .map(({ deployment }) => deployment.name)
}

async function actionIds(environment: Environment): Promise<string[]> {
  const all = await asking(environment, (octopod) => octopod.call('listDeployments', {}))
  return all.flatMap(({ last_action }) => (last_action === null ? [] : [String(last_action.action_id)]))
}

async function keys(level: 'app' | 'deployment', bare: boolean, environment: Environment): Promise<string[]> {
  const found = await asking(environment, async (octopod) => {
    if (level === 'deployment') return octopod.call('getDeploymentKeys', {})
    return octopod.call('getApplicationKeys', { body: await octopod.call('getDeploymentConfig', {}) })
  })
  return found.map((key) => (bare ? key : `${key}=`))
}

async function asking<T>(
  environment: Environment,
  ask: (octopod: ReturnType<typeof openClient>) => Promise<T>,
): Promise<T> {
  const given = environment.OCTOPOD_URL?.trim() ?? ''
  const connection = readConnection(environment, given === '' ? chooseContext(environment, undefined) : null)
  const octopod = openClient({ ...connection, retries: 0 }, limits)
  try {
    return await ask(octopod)
  } finally {
    await octopod.close()
  }
}
