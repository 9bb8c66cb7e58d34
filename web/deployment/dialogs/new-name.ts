/** The name that somebody enters for a new deployment: its error, and a valid name to use instead. Drawn by name-field.ts. */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { defaultNameMaxLength, deploymentNameError, suggestName } from '../../../domain/deployment-name.ts'
import type { AppContext } from '../../app-context.ts'

export type NewName = {
  name: Signal<string>
  error: ReadonlySignal<string | null>
  /** A valid name for what was entered; null: the name is valid, or there is none. */
  suggested: ReadonlySignal<string | null>
  maxLength: number
}

type Props = Pick<AppContext, 'config' | 'store' | 'identity'>

export function createNewName({ config, store, identity }: Props, entered = ''): NewName {
  const name = signal(entered)
  const maxLength = config.name_max_length ?? defaultNameMaxLength
  const refusal = (newName: string) => {
    void store.version.value
    const taken = store.rows.has(newName) ? `A deployment named ${newName} already exists.` : null
    return taken ?? identity.refusal('create', { name: newName })
  }
  return {
    name,
    error: computed(() => deploymentNameError(name.value, maxLength) ?? refusal(name.value)),
    suggested: computed(() => {
      if (deploymentNameError(name.value, maxLength) === null) return null
      const suggested = suggestName(name.value, maxLength)
      return suggested !== null && refusal(suggested) === null ? suggested : null
    }),
    maxLength,
  }
}
