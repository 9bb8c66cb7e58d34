/** Parsers of the values of settings, and the sets of programs that read them. Used by domain/settings.ts and its groups. */
import { z } from 'zod'

export type Program = 'server' | 'runner' | 'migrate'
export type Setting = {
  description: string
  parse: z.ZodType
  programs: readonly Program[]
  /** No control script may see it. */
  secret?: true
}

export const text = z.string()
export const optionalText = z.string().optional()
export const integer = (min: number, defaultValue: number) =>
  z.coerce.number('must be a number').int('must be a whole number').min(min).default(defaultValue)
/** Seconds in the environment, milliseconds in the program. */
export const seconds = (defaultValue: number, max = 10 ** 9) =>
  z.coerce
    .number('must be a number of seconds')
    .min(0)
    .max(max, `must be at most ${max} seconds`)
    .default(defaultValue)
    .transform((value) => value * 1000)
/** For a timer: Node fires a timer of more than 2^31 ms (24 days) at once. */
export const timerSeconds = (defaultValue: number) => seconds(defaultValue, 2_000_000)

/** Values separated by commas. */
export const list = <Item extends z.ZodType<unknown, string>>(item: Item) =>
  text
    .default('')
    .transform((value) =>
      value
        .split(',')
        .map((part) => part.trim())
        .filter(Boolean),
    )
    .pipe(z.array(item))

export const serverAndRunner = ['server', 'runner'] as const
export const allPrograms = ['server', 'runner', 'migrate'] as const
