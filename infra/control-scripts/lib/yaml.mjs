/**
 * Parses YAML as helm and kustomize write it. The library is loaded only when needed, because most calls find JSON in
 * the cache.
 */
import { UserError } from './arguments.mjs'

/** All documents of a stream as plain values, without empty ones. @throws UserError */
export async function readDocuments(text, title) {
  const { parseAllDocuments } = await loadYaml()
  const documents = parseAllDocuments(text, parserOptions)
  return [...documents].flatMap((document) => {
    const [error] = document.errors
    if (error) throw new UserError(`${title} is not YAML: ${error.message.split('\n')[0]}`)
    const value = document.toJS({ maxAliasCount: 10_000 })
    return value === null || value === undefined ? [] : [value]
  })
}

/** YAML 1.1 as Go reads it: 0644 is octal, but 12:30 and 2026-01-01 are text. */
const parserOptions = {
  schema: 'yaml-1.1',
  customTags: (tags) => tags.filter((tag) => tag.format !== 'TIME' && !tag.tag?.endsWith(':timestamp')),
  merge: true,
  uniqueKeys: false,
  logLevel: 'silent',
}

async function loadYaml() {
  try {
    return await import('yaml')
  } catch {
    throw new UserError('The package yaml is missing: run npm install in the folder of the control scripts.')
  }
}
