/**
 * From the arguments to the exit code: finds the command, loads only that one, lets clipanion read its options and
 * runs it. Called by main.ts.
 */
import type { CommandClass } from 'clipanion'
import { exitCodeOf, Failure, words } from './failure.ts'
import { parserOf } from './parser.ts'
import { isHelp, spell } from './spelling.ts'
import { verbs } from './verbs.ts'

/** Answers with the exit code; has written everything by then. */
export async function run(typed: readonly string[]): Promise<number> {
  if (typed[0] === 'complete') return completed(typed.slice(typed[1] === '--' ? 2 : 1))
  const [first, ...rest] = spell(typed)
  if (first === undefined) return refuse('no command was given.', await everything())
  if (first === '--version' || first === '-v') return say(`${(await import('./version.ts')).version}\n`)
  const asked = first === 'help' || isHelp(first)
  const path = pathOf(asked ? rest : [first, ...rest])
  if (path.length === 0) return say(await everything())
  const load = Object.hasOwn(verbs, path.join(' ')) ? verbs[path.join(' ')] : undefined
  if (load === undefined) {
    const { unknownVerb } = await import('./usage.ts')
    return refuse(unknownVerb(path[0] ?? '', Object.keys(verbs)), 'octo --help lists the commands.\n')
  }

  const command = await load()
  const options = asked ? [] : [first, ...rest].slice(path.length)
  if (!asked && !options.some(isHelp)) return perform(command, path, options)
  const { help } = await import('./help.ts')
  return say(help(command, process.stdout.columns || 100))
}

/** The command may have two words. */
function pathOf(words: readonly string[]): string[] {
  return words.slice(0, Object.hasOwn(verbs, words.slice(0, 2).join(' ')) ? 2 : 1)
}

async function perform(command: CommandClass, path: string[], options: string[]): Promise<number> {
  const cli = parserOf(command)
  let ready: ReturnType<typeof cli.process>
  try {
    ready = cli.process([...path, ...options])
  } catch {
    const { usageProblem } = await import('./usage.ts')
    const { usageLine } = await import('./help.ts')
    return refuse(usageProblem(command, path.join(' '), options), usageLine(command))
  }
  return cli.run(ready)
}

async function completed(typed: readonly string[]): Promise<number> {
  const { complete } = await import('./complete.ts')
  const found = await complete(verbs, typed, process.env)
  return say(found.map((one) => `${one}\n`).join(''))
}

async function everything(): Promise<string> {
  const { overview } = await import('./help.ts')
  return overview(await Promise.all(Object.values(verbs).map((load) => load())))
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
