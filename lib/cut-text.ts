/**
 * The beginning of a text, of at most `maxLength` UTF-16 units. Half a character at the end, which PostgreSQL refuses in jsonb, becomes
 * U+FFFD.
 */
export const cutText = (text: string, maxLength: number): string => text.slice(0, maxLength).toWellFormed()
