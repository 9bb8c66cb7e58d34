/** The environment variables that tell the notifications script what failed. Used by send-notifications.ts. */
import type { NotifiedFailure } from '../../domain/failures/failure-schemas.ts'
import { toPlainText } from '../../lib/terminal/text.ts'

const maxSentenceBytes = 512
const maxOutputBytes = 4096

/** Of a null field there is no variable. Control codes are removed, and secrets were masked when the failure was stored. */
export function failureEnvironment(failure: NotifiedFailure | null): Record<string, string> {
  if (failure === null) return {}
  const { what, script, exit_code: exitCode, message, hint, output } = failure
  const values = {
    OCTOPOD_FAILURE_KIND: what,
    OCTOPOD_FAILURE_SCRIPT: script,
    OCTOPOD_FAILURE_EXIT_CODE: exitCode === null ? null : String(exitCode),
    OCTOPOD_FAILURE_MESSAGE: firstBytes(toSentence(message), maxSentenceBytes),
    OCTOPOD_FAILURE_HINT: hint === null ? null : firstBytes(toSentence(hint), maxSentenceBytes),
    OCTOPOD_FAILURE_OUTPUT: output === null ? null : lastBytes(toPlainText(output), maxOutputBytes),
  }
  return Object.fromEntries(
    Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== null),
  )
}

const toSentence = (text: string) => toPlainText(text).replace(/\s+/g, ' ').trim()

const firstBytes = (text: string, maxBytes: number) => decode(Buffer.from(text).subarray(0, maxBytes))
const lastBytes = (text: string, maxBytes: number) => decode(Buffer.from(text).subarray(-maxBytes))

/** A character that the limit has split is left out. */
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).replace(/^\ufffd+|\ufffd+$/g, '')
