/** The title and icon of the browser tab. Both show a failure, so that it is seen from other tabs. Used by the pages. */

/** `failing`: shows the icon for failures. */
export function setBrowserTab(title: string, failing = false): void {
  document.title = title
  const link = document.querySelector<HTMLLinkElement>('link[rel=icon]')
  if (link === null) return
  const { icon, failingIcon } = link.dataset
  const href = (failing ? failingIcon : icon) ?? ''
  if (link.getAttribute('href') !== href) link.href = href
}
