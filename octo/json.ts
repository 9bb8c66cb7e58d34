/** JSON of the server, of the shape it is to have. Called by follow.ts and live.ts. */
import { type Shaped, type ShapeName, wrongWith } from './shape.ts'

/** Null for what is no JSON, or of another shape. */
export function parsed<Name extends ShapeName>(name: Name, text: string): Shaped<Name> | null {
  try {
    const json: unknown = JSON.parse(text)
    return wrongWith(name, json) === null ? (json as Shaped<Name>) : null
  } catch {
    return null
  }
}
