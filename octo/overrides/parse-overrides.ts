/**
 * Parses config options of the command line (`-e KEY=VALUE`, `-e KEY=@FILE`, `-f FILE`, `-E KEY`) into overrides.
 * Called by the create, update and config commands.
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
    description:
      'KEY=VALUE of the application config, or KEY=@FILE (@- for stdin, @@ for a literal @); repeatable',
  })

export const deploymentConfigOption = () =>
  Option.Array('-o,--set-deployment-config', [], {
    description: 'KEY=VALUE of the deployment config, or KEY=@FILE; repeatable',
  })

export const overridesFileOption = () =>
  Option.Array('-f,--file', [], {
    description: 'YAML or JSON file of overrides of both levels, - for stdin; repeatable',
  })

type OverrideArguments = ByLevel<readonly string[]> & { files: readonly string[] }

/** Reads the files in their order, then -e and -o. The last value of a key wins. */
export async function readOverrides(
  { application, deployment, files }: OverrideArguments,
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
  for (const text of application) byKey.application.set(...(await parseOverride('-e', text, readSource)))
  for (const text of deployment) byKey.deployment.set(...(await parseOverride('-o', text, readSource)))
  return { application: [...byKey.application], deployment: [...byKey.deployment] }
}

export function readUnset(option: '-E' | '-O', texts: readonly string[]): string[] {
  for (const text of texts) {
    if (normalizeKey(text) === '') throw new CliError('usage', `${option} needs the KEY of a config value.`)
  }
  return [...texts]
}

/** Messages never contain the value, because it may be secret. */
async function parseOverride(
  option: string,
  text: string,
  readSource: ReturnType<typeof createInputReader>,
): Promise<Override> {
  const pair = parseKeyValue(text)
  if (pair === null) {
    const reason = text.includes('=') ? 'the key before "=" is empty' : '"=" is missing'
    throw new CliError('usage', `${option} needs KEY=VALUE: ${reason}.`)
  }
  const [key, rawValue] = pair
  const keyError = configKeyError(key)
  if (keyError !== null) throw new CliError('usage', keyError)
  const value = await resolveValue(`${option} ${key}`, rawValue, readSource)
  const valueError = configValueError(key, value)
  if (valueError !== null) throw new CliError('usage', valueError)
  return valueAdded(key, value)
}

async function resolveValue(
  option: string,
  rawValue: string,
  readSource: ReturnType<typeof createInputReader>,
): Promise<string> {
  if (rawValue.startsWith('@@')) return rawValue.slice(1)
  if (!rawValue.startsWith('@')) return rawValue
  try {
    // The new line at the end of a file is not part of the value.
    return (await readSource(option, rawValue.slice(1))).replace(/\r?\n$/, '')
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    throw new CliError(
      'usage',
      error.message,
      'A value that begins with @ names a file. Write @@ for a literal @.',
    )
  }
}
