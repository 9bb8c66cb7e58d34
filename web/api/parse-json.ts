/** What a text from elsewhere says; null when it is no JSON. */
export function parseJson<T>(text: string | null): T | null {
  try {
    return JSON.parse(String(text)) as T
  } catch {
    return null
  }
}
