/**
 * Parses config options of the command line (`-e KEY=VALUE`, `--set-app-config-file KEY=PATH`, `-f FILE`, `-E KEY`)
 * into overrides. Called by the create, update and config commands.
 */
import { Option } from 'clipanion'
import {
  type ByLevel,
  configKeyError,
  configValueError,
  normalizeKey,
  type Override,
  parseKeyValue,
  valueAdded,
} from '../../domain/overrides.ts'
import { type ByteSource, createInputReader } from '../cli/stdin.ts'
import { CliError } from '../errors/cli-error.ts'

export const applicationConfigOption = () =>
  Option.Array('-e,--set-app-config', [], {
    description: 'KEY=VALUE of the application config; repeatable',
  })

export const deploymentConfigOption = () =>
  Option.Array('-o,--set-deployment-config', [], {
    description: 'KEY=VALUE of the deployment config; repeatable',
  })

export const applicationFileOption = () =>
  Option.Array('--set-app-config-file', [], {
    description: 'KEY=PATH: the content of a file, unchanged, is the value; - for stdin; repeatable',
  })

export const deploymentFileOption = () =>
  Option.Array('--set-deployment-config-file', [], {
    description: 'the same for the deployment config; repeatable',
  })

export const overridesFileOption = () =>
  Option.Array('-f,--file', [], {
    description: 'YAML or JSON file of overrides of both levels, - for stdin; repeatable',
  })

export const strictOption = () =>
  Option.Boolean('--strict', false, {
    description: 'refuse a config key that the installation does not list, instead of warning about it',
  })

type OverrideArguments = Partial<ByLevel<readonly string[]>> & {
  files?: readonly string[]
  /** KEY=PATH of --set-app-config-file and --set-deployment-config-file. */
  valueFiles?: Partial<ByLevel<readonly string[]>>
}

/** Reads the files in their order, then -e and -o, then the values from files. The last value of a key wins. */
export async function readOverrides(
  { application = [], deployment = [], files = [], valueFiles = {} }: OverrideArguments,
  stdin: ByteSource,
): Promise<ByLevel<Override[]>> {
  const readSource = createInputReader(stdin)
  const byKey = { application: new Map<string, Override[1]>(), deployment: new Map<string, Override[1]>() }
  for (const path of files) {
    const text = await readSource('-f', path)
    const { parseOverridesFile } = await import('./overrides-file.ts')
    const fromFile = parseOverridesFile(path === '-' ? 'stdin' : path, text)
    for (const [key, value] of fromFile.application) byKey.application.set(key, value)
    for (const [key, value] of fromFile.deployment) byKey.deployment.set(key, value)
  }
  for (const text of application) byKey.application.set(...parseOverride('-e', text))
  for (const text of deployment) byKey.deployment.set(...parseOverride('-o', text))
  for (const text of valueFiles.application ?? [])
    byKey.application.set(...(await readValueFile('--set-app-config-file', text, readSource)))
  for (const text of valueFiles.deployment ?? [])
    byKey.deployment.set(...(await readValueFile('--set-deployment-config-file', text, readSource)))
  return { application: [...byKey.application], deployment: [...byKey.deployment] }
}

export function readUnset(option: '-E' | '-O', texts: readonly string[]): string[] {
  return texts.map((text) => {
    const key = normalizeKey(text)
    if (key === '') throw new CliError('usage', `${option} needs the KEY of a config value.`)
    return key
  })
}

/** The value is literal, as in octo 1.6: `@` has no meaning. */
function parseOverride(option: string, text: string): Override {
  const [key, value] = parsePair(option, text, 'VALUE')
  return checkedOverride(key, value)
}

async function readValueFile(
  option: string,
  text: string,
  readSource: ReturnType<typeof createInputReader>,
): Promise<Override> {
  const [key, path] = parsePair(option, text, 'PATH')
  return checkedOverride(key, await readSource(`${option} ${key}`, path))
}

function parsePair(option: string, text: string, valueName: string): [key: string, value: string] {
  const pair = parseKeyValue(text)
  if (pair !== null) return pair
  const reason = text.includes('=') ? 'the key before "=" is empty' : '"=" is missing'
  throw new CliError('usage', `${option} needs KEY=${valueName}: ${reason}.`)
}

/** Messages never contain the value, because it may be secret. */
function checkedOverride(key: string, value: string): Override {
  const error = configKeyError(key) ?? configValueError(key, value)
  if (error !== null) throw new CliError('usage', error)
  return valueAdded(key, value)
}
