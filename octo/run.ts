/**
 * From the arguments to the exit code: finds the command, loads only that one, lets clipanion read its options and
 * runs it. Called by main.ts.
 */
import type { CommandClass } from 'clipanion'
import { exitCodeOf, Failure, words } from './failure.ts'
import { isHelp, spell } from './spelling.ts'
import { cliOf, help, overview, unknownVerb, usageLine, usageProblem, version } from './usage.ts'

/** verb → its class. A new command is a file in commands/ and a line here. */
const commands: Record<string, () => Promise<CommandClass>> = {
  create: async () => (await import('./commands/create.ts')).Create,
  list: async () => (await import('./commands/list.ts')).List,
  info: async () => (await import('./commands/info.ts')).Info,
  update: async () => (await import('./commands/update.ts')).Update,
  archive: async () => (await import('./commands/archive.ts')).Archive,
  restore: async () => (await import('./commands/restore.ts')).Restore,
  cleanup: async () => (await import('./commands/cleanup.ts')).Cleanup,
  delete: async () => (await import('./commands/delete.ts')).Delete,
  actions: async () => (await import('./commands/actions.ts')).Actions,
  logs: async () => (await import('./commands/logs.ts')).Logs,
  cancel: async () => (await import('./commands/cancel.ts')).Cancel,
}

/** Answers with the exit code; has written everything by then. */
export async function run(typed: readonly string[]): Promise<number> {
  const [first, ...rest] = spell(typed)
  if (first === undefined) return refuse('no command was given.', await everything())
  if (first === 'version' || first === '--version' || first === '-v') return say(`${version}\n`)
  const verb = first === 'help' || isHelp(first) ? rest[0] : first
  if (verb === undefined) return say(await everything())
  const load = Object.hasOwn(commands, verb) ? commands[verb] : undefined
  if (load === undefined) return refuse(unknownVerb(verb, Object.keys(commands)), await everything())

  const command = await load()
  return verb !== first || rest.some(isHelp) ? say(help(command)) : perform(command, verb, rest)
}

async function perform(command: CommandClass, verb: string, rest: string[]): Promise<number> {
  const cli = cliOf([command])
  let ready: ReturnType<typeof cli.process>
  try {
    ready = cli.process([verb, ...rest])
  } catch {
    return refuse(usageProblem(command, verb, rest), usageLine(command))
  }
  return cli.run(ready)
}

async function everything(): Promise<string> {
  return overview(await Promise.all(Object.values(commands).map((load) => load())))
}

function say(text: string): number {
  process.stdout.write(text)
  return 0
}

function refuse(problem: string, usage: string): number {
  const failure = new Failure('usage', problem)
  process.stderr.write(`${words(failure)}\n${usage}`)
  return exitCodeOf(failure)
}
