/**
 * The code that `octo login` shows and a person types on the page /device: 8 consonants, so that no word appears and no letter
 * looks like a digit. Free of zod: the page loads it.
 */

export const userCodeAlphabet = 'BCDFGHJKLMNPQRSTVWXZ'
/** 8 of 20 letters are 34 bits. */
export const userCodeLength = 8

const pattern = new RegExp(`^[${userCodeAlphabet}]{${userCodeLength}}$`)

/** Whatever a person types between the letters, and small letters too. Null when it cannot be a code. */
export function parseUserCode(text: string): string | null {
  const letters = text
    .slice(0, 100)
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, '')
  return pattern.test(letters) ? letters : null
}

/** `BCDF-GHJK` */
export const formatUserCode = (code: string): string => `${code.slice(0, 4)}-${code.slice(4)}`
