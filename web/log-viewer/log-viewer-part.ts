/** The log viewer, whose code is loaded when output is first shown. */
import { lazyPart } from '../ui/lazy-part.ts'

export const LogViewer = lazyPart('inline', async () => (await import('./log-viewer.ts')).LogViewer)
