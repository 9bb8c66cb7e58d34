/**
 * Runs a command line: finds the command, loads only that one, parses its options with clipanion and runs it. Called by
 * main.ts.
 */
import type { CommandClass } from 'clipanion'
import { isHelp, normalizeArgs } from './cli/normalize-args.ts'
import { createCli } from './cli/option-metadata.ts'
import { CliError } from './errors/cli-error.ts'
import { exitCodeOf, formatError } from './errors/format-error.ts'
import { ReaderGone, writeText } from './output/write-text.ts'
import { commands } from './registry.ts'

/** Returns the exit code when everything has been written. */
export async function run(args: readonly string[]): Promise<number> {
  try {
    return await runCommandLine(args)
  } catch (error) {
    if (error instanceof ReaderGone) return 0
    process.stderr.write(formatError(error))
    return exitCodeOf(error)
  }
}

/** Ends octo with a sentence instead of a stack when an error reaches the event loop. Called by main.ts. */
export function handleUnexpectedErrors(): void {
  const end = (error: unknown) => {
    process.stderr.write(formatError(error), () => process.exit(exitCodeOf(error)))
  }
  process.on('uncaughtException', end)
  process.on('unhandledRejection', end)
}

async function runCommandLine(args: readonly string[]): Promise<number> {
  if (args[0] === 'complete') return runCompletion(args.slice(args[1] === '--' ? 2 : 1))
  const [first, ...rest] = args
  if (first === undefined) return failUsage('a command is missing.', await overviewText())
  if (first === '--version' || first === '-v')
    return writeStdout(`${(await import('./cli/version.ts')).version}\n`)
  const isHelpRequest = first === 'help' || isHelp(first)
  const path = commandPath(isHelpRequest ? rest : [first, ...rest])
  if (path.length === 0) return writeStdout(await overviewText())
  const loadCommand = Object.hasOwn(commands, path.join(' ')) ? commands[path.join(' ')] : undefined
  if (loadCommand === undefined) {
    const { unknownCommandMessage } = await import('./cli/usage-errors.ts')
    return failUsage(
      unknownCommandMessage(path[0] ?? '', Object.keys(commands)),
      'octo --help lists the commands.\n',
    )
  }

  const command = await loadCommand()
  const options = isHelpRequest ? [] : normalizeArgs(command, args.slice(path.length))
  if (!isHelpRequest && !options.some(isHelp)) return runCommand(command, path, options)
  const { help } = await import('./cli/help.ts')
  return writeStdout(help(command, process.stdout.columns || 100))
}

/** The words of the command; some commands have two. */
function commandPath(args: readonly string[]): string[] {
  return args.slice(0, Object.hasOwn(commands, args.slice(0, 2).join(' ')) ? 2 : 1)
}

async function runCommand(command: CommandClass, path: string[], options: string[]): Promise<number> {
  const cli = createCli(command)
  let parsedCommand: ReturnType<typeof cli.process>
  try {
    parsedCommand = cli.process([...path, ...options])
  } catch (error) {
    const { usageErrorMessage } = await import('./cli/usage-errors.ts')
    const { usageLine } = await import('./cli/help.ts')
    const isOwnError = error instanceof CliError
    const message = isOwnError ? error.message : usageErrorMessage(command, path.join(' '), options)
    return failUsage(message, usageLine(command))
  }
  return cli.run(parsedCommand)
}

async function runCompletion(args: readonly string[]): Promise<number> {
  const { complete } = await import('./completion/completion.ts')
  const candidates = await complete(commands, args, process.env)
  return writeStdout(candidates.map((candidate) => `${candidate}\n`).join(''))
}

async function overviewText(): Promise<string> {
  const { overview } = await import('./cli/help.ts')
  return overview(await Promise.all(Object.values(commands).map((loadCommand) => loadCommand())))
}

async function writeStdout(text: string): Promise<number> {
  await writeText(process.stdout, text)
  return 0
}

function failUsage(message: string, usage: string): number {
  const failure = new CliError('usage', message)
  process.stderr.write(`${formatError(failure)}\n${usage}`)
  return exitCodeOf(failure)
}
