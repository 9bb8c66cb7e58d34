/** Reads the manifest in the folder of the control scripts. Called by find-scripts.ts. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import {
  defaultManifest,
  manifestName,
  type ParsedManifest,
  parseManifest,
} from '../../domain/scripts/manifest.ts'

/** Returns an error message instead when the manifest is invalid. A folder without one has the default manifest. */
export function readManifest(folder: string): ParsedManifest | { error: string } {
  const file = join(folder, manifestName)
  const text = readFile(file)
  if (text === null) return { manifest: defaultManifest, unknownKeys: [] }
  const parsed = typeof text === 'string' ? parseText(text) : text
  return 'error' in parsed ? { error: `the manifest ${file} is invalid: ${parsed.error}` } : parsed
}

/** Null: there is none. */
function readFile(file: string): string | null | { error: string } {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? null : { error: `it cannot be read (${code})` }
  }
}

function parseText(text: string): ParsedManifest | { error: string } {
  try {
    const document = parseDocument(text)
    const [error] = document.errors
    // The lines after the first one show the place in the text.
    if (error !== undefined) return { error: error.message.split('\n')[0]?.replace(/:$/, '') ?? error.code }
    return parseManifest(document.toJS())
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}
