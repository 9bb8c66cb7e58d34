/**
 * The scroll position of each history entry: kept in its state, and restored when somebody goes back or loads the page again,
 * also when the rows that make the page high enough arrive later. Used by the router.
 */

export type ScrollPositions = {
  /** Scrolls to where the entry of the browser's history was left; a new entry is at its start. */
  restore(): void
}

/** Browsers limit how often the history may be changed. */
const saveDelayMs = 200
/** After this time the content is not as long as it was. */
const maxWaitMs = 4000

export function keepScrollPositions(window: Window): ScrollPositions {
  const { history, document } = window
  history.scrollRestoration = 'manual'
  let timer: ReturnType<typeof setTimeout> | undefined
  let stopRestoring = () => {}
  const save = () => {
    const scrollY = Math.round(window.scrollY)
    if (history.state?.scrollY !== scrollY) history.replaceState({ ...history.state, scrollY }, '')
  }
  window.addEventListener('scroll', () => {
    clearTimeout(timer)
    timer = setTimeout(save, saveDelayMs)
  })
  // A click may leave the entry before the time is over.
  document.addEventListener('click', save, { capture: true })

  const restore = () => {
    stopRestoring()
    clearTimeout(timer)
    const target: number = history.state?.scrollY ?? 0
    window.scrollTo(0, target)
    if (Math.abs(window.scrollY - target) <= 1) return
    const closing = new AbortController()
    const grown = new ResizeObserver(() => {
      window.scrollTo(0, target)
      if (Math.abs(window.scrollY - target) <= 1) stopRestoring()
    })
    grown.observe(document.documentElement)
    const giveUp = setTimeout(() => stopRestoring(), maxWaitMs)
    stopRestoring = () => {
      grown.disconnect()
      clearTimeout(giveUp)
      closing.abort()
    }
    // Who scrolls has gone on.
    for (const event of ['wheel', 'touchmove', 'keydown', 'pointerdown'])
      window.addEventListener(event, () => stopRestoring(), closing)
  }
  restore()
  return { restore }
}
