/** True for http and https links. The page must never show a `javascript:` link. */
export function isSafeLink(link: string): boolean {
  try {
    return ['http:', 'https:'].includes(new URL(link).protocol)
  } catch {
    return false
  }
}
