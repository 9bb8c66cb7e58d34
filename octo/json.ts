/** JSON of the server, of the shape it is to have. Called by stream-output.ts and live-connection.ts. */
import { findMismatch, type SchemaName, type Validated } from './api/validate-response.ts'

/** Null for what is no JSON, or of another shape. */
export function parseJson<Name extends SchemaName>(name: Name, text: string): Validated<Name> | null {
  try {
    const json: unknown = JSON.parse(text)
    return findMismatch(name, json) === null ? (json as Validated<Name>) : null
  } catch {
    return null
  }
}
