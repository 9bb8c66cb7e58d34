/**
 * Writes to stdout and waits until the text is written, so that a full disk or a closed pipe is noticed. Called by
 * base-command.ts and run.ts.
 */
import { CliError } from '../errors/cli-error.ts'
import { describeSystemError } from '../errors/system-error.ts'

/** The reader has closed its end of the pipe, as in `octo list | head -1`: no error, but the command can end. */
export class ReaderGone extends Error {
  override name = 'ReaderGone'
}

/** Throws ReaderGone, or a CliError of kind `output`. The stream needs a listener for `error`; see main.ts. */
export function writeText(
  stream: { write(text: string, done: (error?: Error | null) => void): unknown },
  text: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => {
      if (!error) resolve()
      else reject(writeError(error))
    })
  })
}

function writeError(error: NodeJS.ErrnoException): Error {
  if (error.code === 'EPIPE') return new ReaderGone(error.message)
  return new CliError(
    'output',
    `standard output cannot be written: ${describeSystemError(error)}.`,
    null,
    error,
  )
}
