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
const wholeNumber = (min: number, max: number) =>
  z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`)
export const integer = (min: number, defaultValue: number, max = Number.MAX_SAFE_INTEGER) =>
  wholeNumber(min, max).default(defaultValue)
/** How many of something a process may have at a time. */
export const count = (min: number, defaultValue: number) => integer(min, defaultValue, 10_000)
/** 0 stands for a free port. */
export const port = wholeNumber(0, 65_535)
/**
 * Values of a header, one a line. Other characters than ASCII have several encodings in a header, so client and server might
 * disagree about them.
 */
export const headerValues = z
  .string()
  .default('')
  .transform((value) =>
    value
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean),
  )
  .pipe(
    z.array(
      z
        .string()
        .regex(/^[\t\u0020-\u007e]*$/, 'is the value of a header, so it may hold only ASCII characters'),
    ),
  )
/** YAML reads on and off as booleans. */
export const onOrOff = z
  .enum(['on', 'off', 'true', 'false'], 'must be on or off')
  .transform((value) => value === 'on' || value === 'true')
export const optionalHeaderName = z
  .string()
  .regex(/^[\w!#$%&'*+.^`|~-]+$/, 'is not the name of a header')
  .optional()
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
