/** The columns of a pause, and its name as an argument. Called by `octo pause`, `octo resume` and `octo pauses`. */
import { allPausable, type Pausable, type Pause } from '../../../domain/pauses/pause.ts'
import { suggestion } from '../../cli/suggestion.ts'
import { CliError } from '../../errors/cli-error.ts'
import type { RecordView } from '../../output/formatter.ts'
import { formatTimestamp } from '../../output/table.ts'

export const pauseView: RecordView<Pause> = {
  name: ({ what }) => what,
  columns: {
    WHAT: ({ what }) => what,
    SINCE: ({ since }) => formatTimestamp(since),
    UNTIL: ({ until }) => (until === null ? '' : formatTimestamp(until)),
    BY: ({ by }) => by,
    REASON: ({ reason }) => reason,
  },
}

export function parseWhat(text: string): Pausable {
  const what = allPausable.find((known) => known === text)
  if (what !== undefined) return what
  throw new CliError(
    'usage',
    `"${text.slice(0, 40)}" cannot be paused: ${allPausable.join(', ')}.${suggestion(text, allPausable)}`,
  )
}
