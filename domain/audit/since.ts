/** Parses from when on somebody wants entries of the audit log: `24h`, `7d`, `2026-03-01`. Used by the page and octo. */

const unitMs: Record<string, number> = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 }

/** ISO 8601, UTC. Null: neither a duration before now nor a time. A time without a zone is UTC. */
export function parseSince(text: string, nowMs: number): string | null {
  const [, date, time = '00:00', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? []
  const ms = date === undefined ? nowMs - durationMs(text) : Date.parse(`${date}T${time}${zone}`)
  return ms >= 0 && ms <= 8.64e15 ? new Date(ms).toISOString() : null
}

function durationMs(text: string): number {
  if (!/^(?:\d+[wdhms])+$/.test(text)) return Number.NaN
  return [...text.matchAll(/(\d+)(\w)/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (unitMs[unit] ?? 0),
    0,
  )
}
