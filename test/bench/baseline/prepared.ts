/** Statements that PostgreSQL plans once a connection: what somebody who knows pg does for what is asked often. */

type Prepared = { name: string; text: string; values: unknown[] }

const names = new Map<string, string>()

export function prepared(parts: TemplateStringsArray, ...values: unknown[]): Prepared {
  const text = parts.reduce((whole, part, at) => `${whole}$${at}${part}`)
  const name = names.get(text) ?? `statement-${names.size + 1}`
  names.set(text, name)
  return { name, text, values }
}
