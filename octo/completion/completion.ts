/**
 * Candidates for shell completion, one a line. Prints no errors and has short time limits, because the user has pressed
 * Tab and waits. Called by run.ts.
 */

import type { CommandClass } from 'clipanion'
import { statusOf } from '../../client/action-outcome.ts'
import { allRights } from '../../domain/access/roles.ts'
import { type ActionKind, actions, allowedStatuses, whenBusyModes } from '../../domain/actions.ts'
import { auditOperations, auditOutcomes } from '../../domain/audit/operations.ts'
import { endpoints } from '../../domain/endpoints.ts'
import type { ConfigLevel } from '../../domain/overrides.ts'
import { allPausable } from '../../domain/pauses/pause.ts'
import { statuses } from '../../domain/statuses.ts'
import { createApiClient } from '../api/client.ts'
import { readConnection } from '../api/connection.ts'
import { chooseSaved, readContexts } from '../api/contexts.ts'
import { listNames } from '../api/deployment-names.ts'
import type { ApiClient } from '../api/types.ts'
import { findValueOption, normalizeArgs } from '../cli/normalize-args.ts'
import { describeCommand, type OptionDescription } from '../cli/option-metadata.ts'
import { apiMethods } from '../commands/api.ts'
import { formats } from '../output/formatter.ts'
import { completionScripts } from './completion-scripts.ts'

type Commands = Readonly<Record<string, () => Promise<CommandClass>>>

const timeLimits = { connectTimeoutMs: 1000, responseTimeoutMs: 2500 }

/** `args`: the words after `octo`; the last one is incomplete. */
export async function complete(
  commands: Commands,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<string[]> {
  const prefix = args.at(-1) ?? ''
  try {
    const candidates = await findCandidates(commands, args.slice(0, -1), prefix, environment)
    return [...new Set(candidates)].filter(
      (candidate) => candidate.startsWith(prefix) && !/[\s\p{C}]/u.test(candidate),
    )
  } catch {
    return []
  }
}

async function findCandidates(
  commands: Commands,
  previousArgs: readonly string[],
  prefix: string,
  environment: NodeJS.ProcessEnv,
): Promise<readonly string[]> {
  const [command, subcommand = ''] = previousArgs
  if (command === undefined) return [...topLevelCommands(commands), 'help']
  if (command === 'help') return previousArgs.length === 1 ? topLevelCommands(commands) : []
  if (previousArgs.length === 1 && !prefix.startsWith('-')) {
    const words = subcommands(commands, command)
    if (words.length > 0) return words
  }
  const path = Object.hasOwn(commands, `${command} ${subcommand}`) ? `${command} ${subcommand}` : command
  const load = Object.hasOwn(commands, path) ? commands[path] : undefined
  if (load === undefined) return []
  const commandClass = await load()
  const { options, positionals, optionalPositionals, takesNames } = describeCommand(commandClass)
  const args = previousArgs.slice(path.split(' ').length)
  const previousArg = args.at(-1) ?? ''
  const option = /^(-\w|--[\w-]+)$/.test(previousArg) ? findValueOption(options, previousArg) : undefined
  if (option !== undefined) return optionValues(option, previousArg === '-o', path, environment)
  if (!prefix.startsWith('-')) {
    const words = normalizeArgs(commandClass, args).filter((word) => !word.startsWith('-'))
    const argument =
      [...positionals, ...optionalPositionals][words.length] ?? (takesNames ? 'NAME' : undefined)
    const candidates = await argumentValues(argument, path, environment)
    if (candidates !== null) return candidates
  }
  return options.flatMap(({ names }) => names).filter((name) => name.startsWith('--') || prefix === name)
}

/** Candidates for an argument without an option; null when there are none to choose from. */
async function argumentValues(
  argument: string | undefined,
  command: string,
  environment: NodeJS.ProcessEnv,
): Promise<readonly string[] | null> {
  if (argument === 'SHELL') return Object.keys(completionScripts)
  if (argument === 'WHAT') return allPausable
  if (argument === 'METHOD') return apiMethods
  if (argument === 'PATH') return [...new Set(Object.values(endpoints).map(({ path }) => path))]
  // The shell offers files.
  if (argument === 'FILE') return []
  if (argument !== 'NAME' && argument !== 'OTHER') return null
  if (!command.startsWith('context'))
    return command === 'create' ? null : deploymentNames(command, environment)
  return command === 'context set' ? null : contextNames(environment)
}

const topLevelCommands = (commands: Commands) =>
  Object.keys(commands).map((command) => command.split(' ', 1)[0] ?? '')
const subcommands = (commands: Commands, command: string) =>
  Object.keys(commands).flatMap((known) =>
    known.startsWith(`${command} `) ? [known.slice(command.length + 1)] : [],
  )

/** Candidates for the value of an option. `isShortO`: where -o sets the deployment config, it also takes a format. */
async function optionValues(
  { names }: OptionDescription,
  isShortO: boolean,
  command: string,
  environment: NodeJS.ProcessEnv,
): Promise<readonly string[]> {
  switch (names.at(-1)) {
    case '--name':
      return command === 'create' ? [] : deploymentNames(command, environment)
    case '--action':
      return actionIds(environment)
    case '--set-app-config':
    case '--set-app-config-file':
      return configKeys('application', '=', environment)
    case '--unset-app-env-override':
      return configKeys('application', '', environment)
    case '--set-deployment-config':
    case '--set-deployment-config-file': {
      const keys = await configKeys('deployment', '=', environment)
      return isShortO ? [...formats, ...keys] : keys
    }
    case '--unset-deployment-override':
      return configKeys('deployment', '', environment)
    case '--output':
      return formats
    case '--when-busy':
      return whenBusyModes
    case '--log-type':
      return ['stdout', 'stderr', 'all']
    case '--for':
      return command === 'wait' ? ['running', 'archived', 'gone'] : []
    case '--context':
      return contextNames(environment)
    case '--status':
      return statuses
    case '--right':
      return allRights
    case '--deployment':
      return withClient(environment, listNames)
    case '--operation':
      return auditOperations
    case '--outcome':
      return auditOutcomes
    default:
      // A free value has no candidates.
      return []
  }
}

const contextNames = (environment: NodeJS.ProcessEnv) =>
  readContexts(environment).contexts.map(({ name }) => name)

/** Names of the deployments that the command can be used on. */
async function deploymentNames(command: string, environment: NodeJS.ProcessEnv): Promise<string[]> {
  const statuses = Object.hasOwn(actions, command) ? allowedStatuses(command as ActionKind) : null
  if (statuses === null) return withClient(environment, listNames)
  const deployments = await withClient(environment, (client) => client.call('listDeployments', {}))
  return deployments
    .filter((info) => statuses.includes(statusOf(info)))
    .map(({ deployment }) => deployment.name)
}

async function actionIds(environment: NodeJS.ProcessEnv): Promise<string[]> {
  const deployments = await withClient(environment, (client) => client.call('listDeployments', {}))
  return deployments.flatMap(({ last_action }) =>
    last_action === null ? [] : [String(last_action.action_id)],
  )
}

async function configKeys(
  level: ConfigLevel,
  suffix: '=' | '',
  environment: NodeJS.ProcessEnv,
): Promise<string[]> {
  const keys = await withClient(environment, async (client) => {
    if (level === 'deployment') return client.call('getDeploymentKeys', {})
    return client.call('getApplicationKeys', { body: await client.call('getDeploymentConfig', {}) })
  })
  return keys.map((key) => `${key}${suffix}`)
}

async function withClient<T>(
  environment: NodeJS.ProcessEnv,
  request: (client: ApiClient) => Promise<T>,
): Promise<T> {
  const connection = readConnection(environment, ...chooseSaved(environment, undefined))
  const client = createApiClient({ ...connection, retries: 0 }, timeLimits)
  try {
    return await request(client)
  } finally {
    await client.close()
  }
}
