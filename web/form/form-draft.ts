/**
 * Keeps the input of an open form while the browser is at the identity provider, in this tab only. The form registers what
 * to keep; app.ts opens the form again afterwards.
 */

import { parseJson } from '../../client/parse-json.ts'
import type { ByLevel, Override } from '../../domain/overrides.ts'
import { storageKey } from '../base-path.ts'
import type { LabelRow } from '../deployment/dialogs/label-input.ts'

export type FormDraft = {
  isNew: boolean
  name: string
  reason: string
  /** Of a new deployment. */
  title: string
  labels: readonly LabelRow[]
  /** The saved overrides when the form was opened. */
  saved: ByLevel<readonly Override[]>
  overrides: ByLevel<readonly Override[]>
  /** The new keys that are not added yet. */
  newKeys: ByLevel<{ key: string; value: string }>
}

export type FormDraftStore = {
  /** Called by the open form; null when it closes. */
  setSource(source: (() => FormDraft | null) | null): void
  /** Keeps the input of the open form. Returns false when it cannot be kept. */
  keep(): boolean
  /** Which form to open again; null: none. */
  peek(): Pick<FormDraft, 'isNew' | 'name'> | null
  /** The kept input, once. */
  take(): FormDraft | null
}

const draftKey = storageKey('octopod.form')

export function createFormDraftStore(storage: Storage): FormDraftStore {
  let source: (() => FormDraft | null) | null = null
  const read = () => parseJson<FormDraft>(storage.getItem(draftKey))
  return {
    setSource: (next) => {
      source = next
    },
    keep: () => {
      const draft = source?.() ?? null
      try {
        if (draft !== null) storage.setItem(draftKey, JSON.stringify(draft))
        return true
      } catch {
        return false
      }
    },
    peek: read,
    take: () => {
      const draft = read()
      storage.removeItem(draftKey)
      return draft
    },
  }
}
