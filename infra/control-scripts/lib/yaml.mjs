/** Reads YAML as helm and kustomize write it. The library is loaded when it is needed: most calls find JSON in the cache. */
import { Refusal } from './arguments.mjs'

/** All documents of a stream as plain values, empty ones left out. @throws Refusal */
export async function readDocuments(text, what) {
  const { parseAllDocuments } = await library()
  const documents = parseAllDocuments(text, options)
  return [...documents].flatMap((document) => {
    const [problem] = document.errors
    if (problem) throw new Refusal(`${what} is not YAML: ${problem.message.split('\n')[0]}`)
    const value = document.toJS({ maxAliasCount: 10_000 })
    return value === null || value === undefined ? [] : [value]
  })
}

/** YAML 1.1 as Go reads it: 0644 is octal, but neither 12:30 nor 2026-01-01 is more than text. */
const options = {
  schema: 'yaml-1.1',
  customTags: (tags) => tags.filter((tag) => tag.format !== 'TIME' && !tag.tag?.endsWith(':timestamp')),
  merge: true,
  uniqueKeys: false,
  logLevel: 'silent',
}

async function library() {
  try {
    return await import('yaml')
  } catch {
    throw new Refusal('The package yaml is missing: run npm install in the folder of the control scripts.')
  }
}
