/** Differences of configs as lines and as records. Called by diff, apply and create --dry-run. */
import type { BaseContext } from 'clipanion'
import type { Difference } from '../config/diff.ts'
import type { RecordView } from '../output/formatter.ts'
import { supportsColor } from '../output/progress.ts'
import { type Terminal, toSingleLine } from '../output/terminal-text.ts'

/** `- app image.tag=v1` and `+ app image.tag=v2`, with colors on a terminal. */
export function differenceLines(
  differences: readonly Difference[],
  { stdout, env }: Pick<BaseContext, 'stdout' | 'env'>,
): string {
  const useColors = supportsColor(stdout as unknown as Terminal, env)
  const [red, green, reset] = useColors ? ['\u001b[31m', '\u001b[32m', '\u001b[0m'] : ['', '', '']
  const formatSide = (sign: string, color: string, { level, key }: Difference, value: string | null) =>
    value === null ? '' : `${color}${sign} ${level} ${toSingleLine(key)}=${toSingleLine(value)}${reset}\n`
  return differences
    .map((each) => formatSide('-', red, each, each.from) + formatSide('+', green, each, each.to))
    .join('')
}

export const differenceView: RecordView<Difference> = {
  name: ({ key }) => key,
  columns: {
    LEVEL: ({ level }) => level,
    KEY: ({ key }) => key,
    FROM: ({ from }) => from ?? '',
    TO: ({ to }) => to ?? '',
  },
}
