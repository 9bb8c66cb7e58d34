/** Asks a question on the terminal. Called by commands that delete data. */
import { createInterface } from 'node:readline/promises'
import type { BaseContext } from 'clipanion'
import { CliError } from '../errors/cli-error.ts'

type Streams = Pick<BaseContext, 'stdin' | 'stderr'>

/** Without a terminal nobody can answer, so nothing is asked, as in Octopod 1.6. */
export function canAsk({ stdin, stderr }: Streams): boolean {
  return [stdin, stderr].every((stream) => (stream as { isTTY?: boolean }).isTTY === true)
}

/** Throws unless the answer is yes, or nothing can be asked. */
export async function confirm(question: string, { stdin, stderr }: Streams): Promise<void> {
  if (!canAsk({ stdin, stderr })) return
  stderr.write(`${question} [y/N] `)
  // The terminal edits the line itself, so that Ctrl-C ends octo.
  const lines = createInterface({ input: stdin, terminal: false })
  try {
    for await (const answer of lines) {
      if (/^y(es)?$/i.test(answer.trim())) return
      break
    }
  } finally {
    lines.close()
  }
  throw new CliError('cancelled', 'Nothing was changed.')
}
