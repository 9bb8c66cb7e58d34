/** Config values as people read them. Called by the commands that print a config. */
import { isSecretReference } from '../../domain/secrets/secret-reference.ts'

/** A value that the server hides is a reference, which says nothing. JSON and YAML keep it, so that it can be sent back. */
export const shownValue = (value: string): string => (isSecretReference(value) ? '*** (secret)' : value)
