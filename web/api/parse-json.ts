/** Parses JSON from an untrusted source; null when the text is not JSON. */
export function parseJson<T>(text: string | null): T | null {
  try {
    return JSON.parse(String(text)) as T
  } catch {
    return null
  }
}
