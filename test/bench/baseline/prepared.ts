/**
 * Prepared statements: PostgreSQL plans each once for a connection, as an experienced user of pg would do for
 * frequent statements.
 */
type Prepared = { name: string; text: string; values: unknown[] }

const names = new Map<string, string>()

export function prepared(parts: TemplateStringsArray, ...values: unknown[]): Prepared {
  const text = parts.reduce((whole, part, at) => `${whole}$${at}${part}`)
  const name = names.get(text) ?? `statement-${names.size + 1}`
  names.set(text, name)
  return { name, text, values }
}
