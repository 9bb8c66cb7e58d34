/** Which links are kept. A file of its own, so that the page need not carry the table of scripts. */

/** Only http and https links are kept: the page must never offer a `javascript:` one. */
export function isSafeLink(link: string): boolean {
  try {
    return ['http:', 'https:'].includes(new URL(link).protocol)
  } catch {
    return false
  }
}
