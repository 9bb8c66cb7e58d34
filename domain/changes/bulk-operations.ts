/** What one request can do with many deployments. Free of zod: the page and octo load it. */

/** Of one request. */
export const maxBulkNames = 500

export const bulkOperations = ['archive', 'restore', 'retry', 'cancel', 'label', 'set', 'unset'] as const
export type BulkOperation = (typeof bulkOperations)[number]
