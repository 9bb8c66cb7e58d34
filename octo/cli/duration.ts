/** Parses durations of the command line: `15m`, `90s`, `1h30m`. Called by the commands that wait. */
import { CliError } from '../errors/cli-error.ts'

const unitMs = { h: 3_600_000, m: 60_000, s: 1000 } as const

/** A number without a unit means seconds. Throws a CliError of kind `usage`. */
export function parseDurationMs(option: string, text: string): number {
  const match = /^(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?$/.exec(text.trim())
  const [, hours, minutes, seconds] = match ?? []
  const ms = Number(hours ?? 0) * unitMs.h + Number(minutes ?? 0) * unitMs.m + Number(seconds ?? 0) * unitMs.s
  // Timers of Node are limited to 31 bits of milliseconds.
  if (match !== null && ms > 0 && ms <= 24 * unitMs.h) return ms
  throw new CliError('usage', `${option} needs a duration up to 24h, such as 90s, 15m or 1h30m.`)
}
