/**
 * Shows progress on stderr while a command waits: one line that is redrawn on a terminal, a line for each change in a
 * file or pipe, nothing with --quiet. Called by action-command.ts and commands/actions/wait.ts.
 */
import { createLineCleaner, type OutputStream, passThrough } from './line-cleaner.ts'
import { displayWidth, type Terminal, toSingleLine } from './terminal-text.ts'

export type Progress = {
  /** The current state; printed only when it changes. */
  status(text: string): void
  /** A line that stays on the screen. */
  note(text: string): void
  /** Output of a script: unchanged in a file or pipe, without control sequences on a terminal. */
  output(text: string, stream: OutputStream): void
  end(): void
}

export const supportsColor = (terminal: Terminal, environment: NodeJS.ProcessEnv) =>
  terminal.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb'

const clearLine = '\r\u001b[K'
const spinnerFrames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

export function createProgress(terminal: Terminal, environment: NodeJS.ProcessEnv, quiet: boolean): Progress {
  if (quiet) return quietProgress(terminal)
  return terminal.isTTY === true && environment.TERM !== 'dumb'
    ? terminalProgress(terminal, environment)
    : plainProgress(terminal)
}

/** --quiet still shows the output that --follow asks for. */
function quietProgress(terminal: Terminal): Progress {
  const cleaner = terminal.isTTY ? createLineCleaner() : passThrough
  return {
    status: () => {},
    note: () => {},
    output: (text, stream) => terminal.write(cleaner.push(stream, text)),
    end: () => terminal.write(cleaner.end()),
  }
}

function plainProgress(terminal: Terminal): Progress {
  const cleaner = terminal.isTTY ? createLineCleaner() : passThrough
  let lastStatus = ''
  let isMidLine = false
  const writeLine = (statusText: string) => {
    terminal.write(`${isMidLine ? '\n' : ''}${toSingleLine(statusText)}\n`)
    isMidLine = false
  }
  return {
    status: (statusText) => {
      if (statusText === lastStatus) return
      lastStatus = statusText
      writeLine(statusText)
    },
    note: writeLine,
    output: (text, stream) => {
      const cleaned = cleaner.push(stream, text)
      terminal.write(cleaned)
      if (cleaned !== '') isMidLine = !cleaned.endsWith('\n')
    },
    end: () => {
      const rest = cleaner.end()
      terminal.write(rest)
      if (rest !== '') isMidLine = true
      if (isMidLine) terminal.write('\n')
      isMidLine = false
    },
  }
}

function terminalProgress(terminal: Terminal, environment: NodeJS.ProcessEnv): Progress {
  const [dim, reset] = supportsColor(terminal, environment) ? ['\u001b[2m', '\u001b[0m'] : ['', '']
  const startedMs = performance.now()
  let statusText = ''
  let frame = 0
  let isMidLine = false
  const draw = () => {
    if (statusText === '' || isMidLine) return
    const elapsed = formatDuration(performance.now() - startedMs)
    const availableWidth = (terminal.columns || 80) - elapsed.length - 6
    let text = statusText
    while (displayWidth(text) > availableWidth && text !== '') text = text.slice(0, -1)
    frame = (frame + 1) % spinnerFrames.length
    terminal.write(`${clearLine}${spinnerFrames[frame]} ${text} ${dim}${elapsed}${reset}`)
  }
  const cleaner = createLineCleaner()
  const write = (text: string) => {
    if (text === '') return
    terminal.write(`${isMidLine ? '' : clearLine}${text}`)
    isMidLine = !text.endsWith('\n')
    draw()
  }
  const timer = setInterval(draw, 120).unref()
  return {
    status: (text) => {
      statusText = toSingleLine(text)
      draw()
    },
    note: (text) => {
      terminal.write(`${isMidLine ? '\n' : clearLine}${toSingleLine(text)}\n`)
      isMidLine = false
      draw()
    },
    output: (text, stream) => write(cleaner.push(stream, text)),
    end: () => {
      clearInterval(timer)
      write(cleaner.end())
      const elapsed = formatDuration(performance.now() - startedMs)
      // The last state stays on the screen.
      terminal.write(
        statusText === ''
          ? isMidLine
            ? '\n'
            : ''
          : `${isMidLine ? '\n' : clearLine}${statusText} ${dim}${elapsed}${reset}\n`,
      )
      statusText = ''
      isMidLine = false
    },
  }
}

export function formatDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}
