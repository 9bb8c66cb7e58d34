/** Parses times and durations: from when on somebody wants entries of the audit log, until when something is paused. Used by the page and octo. */

const unitMs: Record<string, number> = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 }

/** ISO 8601, UTC. Null: neither a duration before now nor a time. A time without a zone is UTC. */
export const parseSince = (text: string, nowMs: number): string | null =>
  parseTime(text) ?? toIso(nowMs - parseLongDurationMs(text))

/** ISO 8601, UTC. Null: not a time. `2026-03-01`, `2026-03-01T08:00`, `2026-03-01T08:00+02:00`. */
export function parseTime(text: string): string | null {
  const [, date, time = '00:00', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? []
  return date === undefined ? null : toIso(Date.parse(`${date}T${time}${zone}`))
}

/** `2h`, `1d12h`. NaN: not a duration. */
export function parseLongDurationMs(text: string): number {
  if (!/^(?:\d+[wdhms])+$/.test(text)) return Number.NaN
  return [...text.matchAll(/(\d+)(\w)/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (unitMs[unit] ?? 0),
    0,
  )
}

const toIso = (ms: number): string | null => (ms >= 0 && ms <= 8.64e15 ? new Date(ms).toISOString() : null)
