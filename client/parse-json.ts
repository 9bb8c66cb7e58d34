/** Parses JSON from an untrusted source; null when the text is not JSON. Called here and by the page for what a browser has stored. */
export function parseJson<T>(text: string | null): T | null {
  try {
    return JSON.parse(String(text)) as T
  } catch {
    return null
  }
}
