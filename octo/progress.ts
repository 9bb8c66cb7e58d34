/**
 * What happens while somebody waits, on stderr: one line that is drawn anew on a terminal, a line for each change where
 * stderr is a file or a pipe, nothing with --quiet. Called by change.ts and commands/wait.ts.
 */

import { shownDuration } from './duration.ts'
import type { Environment } from './environment.ts'
import { oneLine, widthOf } from './text.ts'

export type Screen = { write(text: string): unknown; isTTY?: boolean; columns?: number }
export type Progress = {
  /** How it stands; said once while it stays so. */
  stands(words: string): void
  /** A line that stays. */
  note(words: string): void
  /** Output of a script, as it is. */
  pass(text: string): void
  end(): void
}

export const colourful = (screen: Screen, environment: Environment) =>
  screen.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb'

const clear = '\r\u001b[K'
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

export function openProgress(screen: Screen, environment: Environment, quiet: boolean): Progress {
  if (quiet) return silent(screen)
  return screen.isTTY === true && environment.TERM !== 'dumb' ? drawn(screen, environment) : plain(screen)
}

/** Output that was asked for with --follow is shown even when quiet. */
function silent(screen: Screen): Progress {
  return { stands: () => {}, note: () => {}, pass: (text) => screen.write(text), end: () => {} }
}

function plain(screen: Screen): Progress {
  let said = ''
  let midLine = false
  const line = (words: string) => {
    screen.write(`${midLine ? '\n' : ''}${oneLine(words)}\n`)
    midLine = false
  }
  return {
    stands: (words) => {
      if (words === said) return
      said = words
      line(words)
    },
    note: line,
    pass: (text) => {
      screen.write(text)
      if (text !== '') midLine = !text.endsWith('\n')
    },
    end: () => {
      if (midLine) screen.write('\n')
      midLine = false
    },
  }
}

function drawn(screen: Screen, environment: Environment): Progress {
  const [dim, plainly] = colourful(screen, environment) ? ['\u001b[2m', '\u001b[0m'] : ['', '']
  const begun = performance.now()
  let words = ''
  let frame = 0
  let midLine = false
  const draw = () => {
    if (words === '' || midLine) return
    const time = shownDuration(performance.now() - begun)
    const room = (screen.columns || 80) - time.length - 6
    let text = words
    while (widthOf(text) > room && text !== '') text = text.slice(0, -1)
    frame = (frame + 1) % frames.length
    screen.write(`${clear}${frames[frame]} ${text} ${dim}${time}${plainly}`)
  }
  const timer = setInterval(draw, 120).unref()
  return {
    stands: (now) => {
      words = oneLine(now)
      draw()
    },
    note: (text) => {
      screen.write(`${midLine ? '\n' : clear}${oneLine(text)}\n`)
      midLine = false
      draw()
    },
    pass: (text) => {
      if (text === '') return
      screen.write(`${midLine ? '' : clear}${text}`)
      midLine = !text.endsWith('\n')
      draw()
    },
    end: () => {
      clearInterval(timer)
      const time = shownDuration(performance.now() - begun)
      // How it stood last stays to be read.
      screen.write(
        words === '' ? (midLine ? '\n' : '') : `${midLine ? '\n' : clear}${words} ${dim}${time}${plainly}\n`,
      )
      words = ''
      midLine = false
    },
  }
}
