/**
 * The ways people type options, brought to one that cannot be misread: `-n x`, `-nx`, `-n=x`, `--name x` and
 * `--name=x` all become `--name=x`. The parser behind would refuse `-nx`, and values that begin with `-`.
 * Called by main.ts with the arguments of the process.
 */

/** Options that take a value: short letter → long name; the same in every command. */
export const valueOptions = {
  n: 'name',
  e: 'set-app-config',
  E: 'unset-app-env-override',
  o: 'set-deployment-config',
  O: 'unset-deployment-override',
  a: 'action',
  l: 'log-type',
} as const

const longOnly = ['limit'] as const
const long: ReadonlySet<string> = new Set([...Object.values(valueOptions), ...longOnly])

export function spell(typed: readonly string[]): string[] {
  const spelled: string[] = []
  for (let at = 0; at < typed.length; at += 1) {
    const token = typed[at] ?? ''
    if (token === '--') return [...spelled, ...typed.slice(at)]
    const option = readOption(token)
    if (option === null) {
      spelled.push(token)
      continue
    }
    const next = typed[at + 1]
    if (option.value !== null) spelled.push(`--${option.name}=${option.value}`)
    else if (next === undefined || isOption(next)) spelled.push(`--${option.name}`)
    else {
      spelled.push(`--${option.name}=${next}`)
      at += 1
    }
  }
  return spelled
}

export function isHelp(token: string): boolean {
  return token === '-h' || token === '--help'
}

/** An empty variable in a script (`-n $NAME -e A=B`) must not make `-e` the name. */
function isOption(token: string): boolean {
  return isHelp(token) || token === '--' || readOption(token) !== null
}

function readOption(token: string): { name: string; value: string | null } | null {
  if (token.startsWith('--')) {
    const at = token.indexOf('=')
    const name = at < 0 ? token.slice(2) : token.slice(2, at)
    return long.has(name) ? { name, value: at < 0 ? null : token.slice(at + 1) } : null
  }
  if (!token.startsWith('-')) return null
  const name = (valueOptions as Record<string, string | undefined>)[token[1] ?? '']
  if (name === undefined) return null
  const rest = token.slice(2)
  return { name, value: rest === '' ? null : rest.startsWith('=') ? rest.slice(1) : rest }
}
