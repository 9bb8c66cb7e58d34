/**
 * Normalizes the options of a command: `-n x`, `-nx`, `-n=x`, `--name x` and `--name=x` all become `--name=x`, because
 * clipanion rejects `-nx` and values that begin with `-`. Also decides what `-o` means. Called by run.ts and completion.ts.
 */
import type { CommandClass } from 'clipanion'
import { formats } from '../output/formatter.ts'
import { describeCommand, hasConfigOption, type OptionDescription } from './option-metadata.ts'

/** `args`: the words after the words of the command. */
export function normalizeArgs(command: CommandClass, args: readonly string[]): string[] {
  const { options } = describeCommand(command)
  const normalized: string[] = []
  for (let index = 0; index < args.length; index += 1) {
    const token = args[index] ?? ''
    if (token === '--') return [...normalized, ...args.slice(index)]
    const option = findValueOption(options, token)
    if (option === undefined) {
      normalized.push(token)
      continue
    }
    const inlineValue = valueIn(token)
    const next = args[index + 1]
    // With an empty variable in a script (`-n $NAME -e A=B`), `-e` must not become the name.
    const takesNext = inlineValue === null && next !== undefined && !isOption(options, next)
    const value = takesNext ? next : inlineValue
    const name = token.startsWith('-o') && isFormat(value) ? '--output' : option.names.at(-1)
    normalized.push(value === null ? `${name}` : `${name}=${value}`)
    if (takesNext) index += 1
  }
  return normalized
}

export function isHelp(token: string): boolean {
  return token === '-h' || token === '--help'
}

/** The option with a value that a word names; `-o` is --output, except where it sets the deployment config. */
export function findValueOption(
  options: readonly OptionDescription[],
  token: string,
): OptionDescription | undefined {
  const [longName = ''] = token.split('=', 1)
  const written = token.startsWith('--') ? longName : token.slice(0, 2)
  const name = written === '-o' && !hasConfigOption(options) ? '--output' : written
  return options.find(({ names, takesValue }) => takesValue && names.includes(name))
}

function isOption(options: readonly OptionDescription[], token: string): boolean {
  return isHelp(token) || token === '--' || findValueOption(options, token) !== undefined
}

/** A config value contains `=`, so it is never equal to an output format. */
const isFormat = (value: string | null) => (formats as readonly (string | null)[]).includes(value)

/** The value in the same word as its option; null when there is none. */
function valueIn(token: string): string | null {
  if (token.startsWith('--')) return token.includes('=') ? token.slice(token.indexOf('=') + 1) : null
  const rest = token.slice(2)
  return rest === '' ? null : rest.replace(/^=/, '')
}
