/** The time of an output line in the form that the user has chosen. Pure functions for log-viewer.ts and log-toolbar.ts. */

export const timeFormats = ['none', 'local', 'utc', 'relative'] as const
export type TimeFormat = (typeof timeFormats)[number]

export const timeFormatLabels: Record<TimeFormat, string> = {
  none: 'No times',
  local: 'Local time',
  utc: 'UTC',
  relative: 'Since start',
}

/** All times have this many characters, so that the lines of one output stay aligned. */
export const timeChars = 13

/** `startedAt`: the time of the first line. All times are ISO 8601. */
export function formatLineTime(at: string, startedAt: string, format: TimeFormat): string {
  if (format === 'none') return ''
  const time = new Date(at)
  if (format === 'utc') return `${time.toISOString().slice(11, 23)}Z`
  if (format === 'relative') {
    const ms = Math.max(0, time.getTime() - Date.parse(startedAt))
    const [hours, minutes, seconds] = [ms / 3_600_000, (ms / 60_000) % 60, (ms / 1000) % 60].map(Math.floor)
    return `+${clock(hours, minutes, seconds, ms % 1000)}`
  }
  return `${clock(time.getHours(), time.getMinutes(), time.getSeconds(), time.getMilliseconds())} `
}

const clock = (hours = 0, minutes = 0, seconds = 0, ms = 0): string =>
  `${two(hours)}:${two(minutes)}:${two(seconds)}.${String(ms).padStart(3, '0')}`
const two = (value: number) => String(value).padStart(2, '0')
