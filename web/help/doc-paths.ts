/** The documents that the server serves beside the page. build/render-docs.ts writes them. */

import { basePath } from '../base-path.ts'

export type DocName = 'guide' | 'octo' | 'ci' | 'control-scripts' | 'glossary' | 'changelog'

/** `heading`: the id of a heading of the document. */
export const docPath = (name: DocName, heading = ''): string =>
  `${basePath}/docs/${name}.html${heading === '' ? '' : `#${heading}`}`
