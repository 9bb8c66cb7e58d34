/**
 * References stand for values of secret keys in what callers without the right see_secrets get. The server makes and reads them
 * (functions/secrets); page and octo only recognise them. Free of zod and crypto: the page loads it.
 */

/** No other value that such a caller gets begins like this. */
export const referencePrefix = '***.'

/** A type, a digest of the value and a MAC at least, in base64url; functions/secrets/references.ts. */
const form = /^\*\*\*\.[\w-]{22,200}$/

export const isSecretReference = (value: string): boolean => form.test(value)
