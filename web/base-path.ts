/**
 * The path below which this page is, as `/octopod`; '' at the root of its host. The server writes it into index.html
 * (functions/http/static-files.ts). Every path of the page and of the API begins with it.
 */
export const basePath: string = globalThis.document?.documentElement.dataset.basePath ?? ''

/** Two installations below one host share the storage of the browser, so each has keys of its own. */
export const storageKey = (name: string): string => name + basePath
