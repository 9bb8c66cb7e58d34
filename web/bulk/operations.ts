/** The words for each change of many deployments. Used by the bar and the dialog. */
import type { BulkChange } from '../../client/send-bulk.ts'
import type { BulkOperation } from '../../domain/changes/bulk-operations.ts'

type Words = {
  /** Of the button in the bar. */
  button: string
  /** Of the title: `Archive` and a number of deployments. */
  phrase: string
  /** Of the button that begins it, with the number of deployments that will change. */
  confirm: string
  /** What it means, before it is confirmed. */
  hint: string
  /** What it is called when it has been done. */
  done: 'accepted' | 'changed'
  danger?: boolean
}

export const operationWords: Record<BulkOperation, Words> = {
  archive: {
    button: 'Archive',
    phrase: 'Archive',
    confirm: 'Archive',
    hint: 'They stop and free their resources. You can restore them later.',
    done: 'accepted',
  },
  restore: {
    button: 'Restore',
    phrase: 'Restore',
    confirm: 'Restore',
    hint: 'They start again with their config.',
    done: 'accepted',
  },
  retry: {
    button: 'Retry',
    phrase: 'Retry the last action of',
    confirm: 'Retry',
    hint: 'The last action of each is done again where it did not succeed.',
    done: 'accepted',
  },
  cancel: {
    button: 'Cancel actions',
    phrase: 'Cancel the actions of',
    confirm: 'Cancel actions of',
    hint: 'Running scripts are asked to stop, then killed. Changes they have already made are kept.',
    done: 'accepted',
    danger: true,
  },
  label: { button: 'Labels…', phrase: 'Change the labels of', confirm: 'Change', hint: '', done: 'changed' },
  set: {
    button: 'Set a key…',
    phrase: 'Set a config key of',
    confirm: 'Update',
    hint: 'Each is updated with this value; its other overrides stay.',
    done: 'accepted',
  },
  unset: {
    button: 'Unset a key…',
    phrase: 'Unset a config key of',
    confirm: 'Update',
    hint: 'Each is updated without this override, so the default counts.',
    done: 'accepted',
  },
}

export const withForm: ReadonlySet<BulkOperation> = new Set(['label', 'set', 'unset'])

/** What the user has entered: `team=shop is set. env is removed.`; empty for a change without input. */
export function describeChange({ labels, override }: BulkChange): string {
  const sentences: string[] = []
  for (const [key, value] of Object.entries(labels?.set ?? {}))
    sentences.push(`${value === '' ? key : `${key}=${value}`} is set.`)
  for (const key of labels?.remove ?? []) sentences.push(`${key} is removed.`)
  if (override !== undefined) {
    const { level, key, value } = override
    const shown =
      value !== undefined && value.length > maxShownValue ? `${value.slice(0, maxShownValue)}…` : value
    sentences.push(
      `${level === 'application' ? 'Application' : 'Deployment'} config: ${value === undefined ? key : `${key} = ${shown}`}`,
    )
  }
  return sentences.join(' ')
}

const maxShownValue = 200
