/**
 * The errors of sign-in. `message` is for the person, and the code of a navigation chooses it: it contains no text from
 * outside. `detail` is for the log of the server: it contains no token, code or secret.
 */
import { type SignInErrorCode, signInErrorMessages } from '../../../domain/access/sign-in-errors.ts'
import { withoutControlCharacters } from '../../../lib/hidden-characters.ts'

export class SignInError extends Error {
  override name = 'SignInError'
  readonly code: SignInErrorCode
  readonly detail: string

  constructor(code: SignInErrorCode, detail: string) {
    super(signInErrorMessages[code])
    this.code = code
    this.detail = detail
  }
}

/** Text from outside as part of a `detail`: on one line, quoted and short. */
export const quoteForLog = (text: unknown): string =>
  JSON.stringify(withoutControlCharacters(String(text)).slice(0, 200))
