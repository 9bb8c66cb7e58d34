/** The order of names for people: feat-2 before feat-10. */
export const naturalOrder = new Intl.Collator('en', { numeric: true })
