/**
 * The codes with which a sign-in at the identity provider fails, each with the sentence that a person reads. The server sends
 * the code, the page shows the sentence. Free of zod: the page loads it.
 */
export const signInErrorMessages = {
  provider_unreachable: 'The identity provider does not answer at present. Try again later.',
  sign_in_denied: 'The identity provider did not sign you in, or the sign-in was cancelled. Try again.',
  sign_in_expired:
    'This sign-in has expired, was used already, or did not start in this browser. Start again.',
  bad_provider_response:
    'The answer of the identity provider could not be accepted. Try again; if it stays so, ask your operator to read the log of the server.',
  groups_missing:
    'The identity provider did not send your groups, because you are in too many of them. Ask your operator to send only the groups of this application, or application roles.',
  not_in_allowed_groups: 'You are in none of the groups that may sign in here. Ask your operator.',
  session_ended: 'Your session at the identity provider has ended. Sign in again.',
} as const

export type SignInErrorCode = keyof typeof signInErrorMessages
