/** What a clone takes over from its source beside the config, which the server copies. Used by octo and the page. */
import type { Labels } from '../domain/labels.ts'
import type { FullInfo } from '../domain/schemas.ts'

type Given = { labels?: Labels | undefined; title?: string | null | undefined }

/** The body of the request. `given` counts instead of the labels or the title of the source. */
export function cloneRequest(
  { labels: ownLabels, title: ownTitle }: Pick<FullInfo, 'labels' | 'title'>,
  name: string,
  { labels = ownLabels, title = ownTitle }: Given = {},
): { name: string; labels: Labels | undefined; title: string | undefined } {
  return { name, labels, title: title ?? undefined }
}
