/** What one request can do with many deployments. Free of zod: the page and octo load it. */
import type { Right } from '../access/roles.ts'

/** Of one request. */
export const maxBulkNames = 500

export const bulkOperations = ['archive', 'restore', 'retry', 'cancel', 'label', 'set', 'unset'] as const
export type BulkOperation = (typeof bulkOperations)[number]

/** The right that an operation needs for each deployment. A retry needs that of the repeated action: update, if not another one. */
export const rightOfOperation = {
  archive: 'archive',
  restore: 'restore',
  retry: 'update',
  cancel: 'cancel',
  label: 'label',
  set: 'update',
  unset: 'update',
} as const satisfies Record<BulkOperation, Right>

/** The operations whose action may wait behind another one of its deployment. */
export const waitingOperations: ReadonlySet<BulkOperation> = new Set(['archive', 'restore', 'set', 'unset'])

export const bulkRights: readonly Right[] = [...new Set(Object.values(rightOfOperation))]
