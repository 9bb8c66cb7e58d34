/** Shows an element above the whole page. Everything else takes no focus meanwhile; messages stay. Used by log-viewer.ts. */

/** Returns the function that ends it. */
export function makeRestInert(element: Element): () => void {
  const changed: Element[] = []
  for (
    let inner = element;
    inner.parentElement !== null && inner !== document.body;
    inner = inner.parentElement
  )
    for (const sibling of inner.parentElement.children)
      if (
        sibling !== inner &&
        !sibling.hasAttribute('inert') &&
        !sibling.matches('.toasts, dialog, script')
      ) {
        sibling.setAttribute('inert', '')
        changed.push(sibling)
      }
  document.body.classList.add('no-scroll')
  return () => {
    for (const sibling of changed) sibling.removeAttribute('inert')
    document.body.classList.remove('no-scroll')
  }
}
