/**
 * Reads and validates the settings of a program. Called by server.ts, lambda.ts, runner/main.ts and migrate.ts when
 * they start.
 */

import { type SettingsFor, settings } from '../settings.ts'
import { accessProblems } from './access-problems.ts'
import type { Program, Setting } from './values.ts'

export class SettingsError extends Error {
  override name = 'SettingsError'
}

/**
 * Reads the settings of one program. White space at the ends of a value is dropped: a secret that was made from a file
 * ends in a new line. An empty value counts as not set. Throws a SettingsError that names every problem.
 */
export function readSettings<P extends Program>(
  program: P,
  environment: Record<string, string | undefined>,
): SettingsFor<P> {
  const values: Record<string, unknown> = {}
  const problems: string[] = []
  for (const [name, setting] of Object.entries<Setting>(settings)) {
    if (!setting.programs.includes(program)) continue
    const value = environment[name]?.trim() || undefined
    const result = setting.parse.safeParse(value)
    if (result.success) values[name] = result.data
    else if (value !== undefined)
      problems.push(`${name} ${result.error.issues.map((issue) => issue.message).join(', ')}`)
    else problems.push(`${name} is not set: ${setting.description}`)
  }
  if (problems.length === 0) problems.push(...inconsistencies(values))
  if (problems.length === 0 && program === 'server')
    problems.push(...accessProblems(values as SettingsFor<'server'>))
  if (problems.length > 0) throw new SettingsError(problems.join('\n'))
  return values as SettingsFor<P>
}

/**
 * A runner that cannot renew a lease ends the script at half of it. The script must be dead before the lease expires.
 */
function* inconsistencies({ LEASE, KILL_GRACE }: Record<string, unknown>): Generator<string> {
  if (typeof LEASE === 'number' && LEASE <= 2 * Number(KILL_GRACE))
    yield `LEASE must be more than twice KILL_GRACE (now ${LEASE / 1000} and ${Number(KILL_GRACE) / 1000} seconds)`
}
