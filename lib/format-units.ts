/** Formats ages and sizes for people. Called by db for the reasons that readers see, and by octo. */

const ageUnits = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const

/** In the largest unit that divides it: 36 hours, 30 days. */
export function formatAge(ms: number): string {
  const [unit, unitMs] =
    ageUnits.find(([, size]) => ms >= size && ms % size === 0) ?? (['second', 1000] as const)
  const count = ms / unitMs
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

const sizeUnits = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** Decimal units with up to one digit after the point: 1.5 GB. */
export function formatSize(bytes: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), sizeUnits.length - 1)
  return `${Number((bytes / 1000 ** power).toFixed(1))} ${sizeUnits[power]}`
}
