/** What is wrong with what was typed, in words. Called by run.ts when the parser has refused it. */
import type { CommandClass } from 'clipanion'
import { type KnownOption, takenBy } from './parser.ts'

/** What is wrong with the arguments after the verb, as spell() left them; in words of ours, for the parser's
 * depend on the paths it took. */
export function usageProblem(command: CommandClass, verb: string, typed: readonly string[]): string {
  const { options, places } = takenBy(command)
  const alone = typed.filter((token) => !token.startsWith('-'))
  for (const token of typed) {
    if (!token.startsWith('-')) {
      if (alone.indexOf(token) < places.length) continue
      return `"${token.slice(0, 40)}" stands alone: values come after an option.`
    }
    const problem = optionProblem(options, verb, token)
    if (problem !== null) return problem
  }
  const given = (option: KnownOption) => typed.some((token) => token.startsWith(`${option.names.at(-1)}=`))
  const missing = [
    ...places.slice(alone.length),
    ...options.filter((option) => option.required && !given(option)).map(({ names }) => names.join(',')),
  ]
  return missing.length > 0 ? `${verb} needs ${missing.join(' and ')}.` : `${verb} was not understood.`
}

function optionProblem(options: readonly KnownOption[], verb: string, token: string): string | null {
  const [long = ''] = token.split('=', 1)
  const option = options.find(({ names }) => names.includes(long))
  if (option === undefined) {
    const names = options.flatMap((known) => known.names)
    return `${verb} has no option ${long.slice(0, 40)}.${meant(long, names)}`
  }
  if (option.takesValue && long === token) return `${option.names.join(',')} needs a value.`
  if (!option.takesValue && long !== token) return `${long} takes no value.`
  return null
}

/** What other command lines call it. */
const otherWords: Readonly<Record<string, string>> = {
  ls: 'list',
  ps: 'list',
  get: 'list or info',
  show: 'info',
  describe: 'info',
  rm: 'archive, then cleanup',
  remove: 'archive, then cleanup',
  destroy: 'archive, then cleanup',
  deploy: 'create --or-update',
  apply: 'create --or-update',
  edit: 'update',
  set: 'update',
  stop: 'archive',
  start: 'restore',
  unarchive: 'restore',
  history: 'actions',
  tail: 'logs --follow',
  login: 'context set',
  auth: 'context set',
  url: 'open',
}

export function unknownVerb(typed: string, verbs: readonly string[]): string {
  const other = Object.hasOwn(otherWords, typed) ? ` Did you mean ${otherWords[typed]}?` : ''
  return `there is no command "${typed.slice(0, 40)}".${other || meant(typed, verbs)}`
}

/** ` Did you mean …?` of the words that are near, or nothing. */
function meant(typed: string, words: readonly string[]): string {
  const distances = words.map((word) => distance(typed, word))
  const least = Math.min(...distances)
  const near = least > (typed.length < 4 ? 1 : 2) ? [] : words.filter((_, at) => distances[at] === least)
  return near.length === 0 ? '' : ` Did you mean ${near.join(' or ')}?`
}

/** How many letters differ (Levenshtein); the same ones in another order are one slip. */
function distance(one: string, other: string): number {
  if ([...one].sort().join() === [...other].sort().join()) return one === other ? 0 : 1
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (const [at, letter] of [...one.slice(0, 40)].entries()) {
    const next = [at + 1]
    for (let to = 0; to < other.length; to += 1) {
      const change = (row[to] ?? 0) + (letter === other[to] ? 0 : 1)
      next.push(Math.min(change, (row[to + 1] ?? 0) + 1, (next[to] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
