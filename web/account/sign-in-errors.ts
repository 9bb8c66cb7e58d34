/**
 * Explains the code of /sign-in?error=CODE, to which the server sends a browser whose sign-in has failed. Only texts of this
 * file are shown, none of the address.
 */
import { signInErrorMessages } from '../../domain/access/sign-in-errors.ts'
import { type ErrorCode, errorCodes } from '../../domain/errors.ts'

/** Codes of the API that a sign-in can meet. */
const apiMessages: Partial<Record<ErrorCode, string>> = {
  internal:
    'A fault of Octopod has stopped the sign-in. Try again; if it happens again, report it with the request id.',
  service_unavailable:
    'The server cannot store a session at this moment. Nothing is lost; try again shortly.',
  rate_limited:
    'Too many people sign in from your address at this moment. Wait a few seconds, then try again.',
  not_found:
    'This installation has no identity provider. Sign in another way, or ask your operator to set one.',
  insecure_transport:
    'Signing in needs https. Open the page with https, or ask your operator for its address.',
  wrong_host: 'This is not the address of this installation. Ask your operator for the right one.',
  wrong_origin: 'The sign-in came from another address. Open the page at its own address and start again.',
  bad_request: 'The browser sent something that the sign-in does not expect. Start again.',
  unauthenticated: 'Nobody is signed in. Sign in again.',
  forbidden: 'You may not sign in here. Ask an admin of this installation.',
  sign_in_failed: 'The sign-in has failed. Start again; if it fails again, ask your operator.',
}

const generalMessage =
  'The sign-in has failed. Start again; if it fails again, ask your operator to read the log of the server.'

export function explainSignInError(code: string): string {
  if (Object.hasOwn(signInErrorMessages, code))
    return signInErrorMessages[code as keyof typeof signInErrorMessages]
  return (Object.hasOwn(errorCodes, code) ? apiMessages[code as ErrorCode] : undefined) ?? generalMessage
}

/** The request id of the address, if it looks like one. The log of the server has it. */
export const readRequestId = (text: string | null): string | null =>
  text !== null && /^[\w.-]{1,100}$/.test(text) ? text : null
