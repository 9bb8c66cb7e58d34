/**
 * Geometry of a page for tests: boxes that overlap, and the layout shift that users see. Used by the layout tests of the
 * page.
 */
import type { Page } from 'playwright-core'

/** Texts, controls and icons that overlap another one, or that leave their table cell or card, as readable pairs. */
export function overlappingBoxes(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    type Box = { element: Element; label: string; left: number; top: number; right: number; bottom: number }
    const boxes: Box[] = []
    const add = (element: Element, label: string, rects: Iterable<DOMRect>) => {
      for (const { left, top, right, bottom } of rects)
        if (right - left > 2 && bottom - top > 2) boxes.push({ element, label, left, top, right, bottom })
    }
    /** What `overflow: hidden` of an ancestor hides does not overlap anything. */
    const clipped = (element: Element, rects: Iterable<DOMRect>): DOMRect[] => {
      let visible = [...rects]
      for (let parent: Element | null = element; parent !== null; parent = parent.parentElement) {
        if (getComputedStyle(parent).overflowX === 'visible') continue
        const clip = parent.getBoundingClientRect()
        visible = visible.flatMap(({ left, top, right, bottom }) => {
          const [x, y] = [Math.max(left, clip.left), Math.max(top, clip.top)]
          const [width, height] = [Math.min(right, clip.right) - x, Math.min(bottom, clip.bottom) - y]
          return width > 0 && height > 0 ? [new DOMRect(x, y, width, height)] : []
        })
      }
      return visible
    }
    const isHidden = (element: Element) =>
      !element.checkVisibility() ||
      element.closest('.visually-hidden, .skip-link, [hidden]') !== null ||
      getComputedStyle(element).clipPath !== 'none'
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
      const { currentNode: node } = texts
      const element = node.parentElement
      const text = node.textContent?.trim() ?? ''
      if (element === null || text === '' || isHidden(element) || element.closest('option') !== null) continue
      const range = document.createRange()
      range.selectNodeContents(node)
      add(element, text.slice(0, 40), clipped(element, range.getClientRects()))
    }
    for (const element of document.querySelectorAll('button, input, select, svg, .override')) {
      if (isHidden(element)) continue
      const label = `<${element.tagName.toLowerCase()} ${element.getAttribute('class') ?? ''}>`
      add(element, label, clipped(element, element.getClientRects()))
    }
    const found: string[] = []
    for (const [index, a] of boxes.entries()) {
      for (const b of boxes.slice(index + 1)) {
        if (a.element.contains(b.element) || b.element.contains(a.element)) continue
        const isApart =
          a.right - b.left < 1.5 || b.right - a.left < 1.5 || a.bottom - b.top < 3 || b.bottom - a.top < 3
        // The magnifier lies in its search field.
        const isDecoration = a.element.closest('.search') !== null && b.element.closest('.search') !== null
        if (!isApart && !isDecoration) found.push(`"${a.label}" overlaps "${b.label}"`)
      }
      const cell = a.element.closest('td, th, .card, .top-bar, .deployment-header, .last-action')
      if (cell === null) continue
      const { left, right } = cell.getBoundingClientRect()
      if (a.left < left - 1 || a.right > right + 1)
        found.push(`"${a.label}" leaves its ${cell.className || cell.tagName}`)
    }
    return [...new Set(found)]
  })
}

/** Records layout shifts from the first paint on. Call it before the page is opened. */
export async function recordLayoutShift(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const shifts: { value: number; nodes: string[] }[] = []
    Reflect.set(window, 'layoutShifts', shifts)
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as unknown as LayoutShift[]) {
        const nodes = entry.sources.map(({ node }) => {
          const element = node instanceof Element ? node : node?.parentElement
          return element === null || element === undefined ? '' : `${element.tagName}.${element.className}`
        })
        if (!entry.hadRecentInput) shifts.push({ value: entry.value, nodes })
      }
    }).observe({ type: 'layout-shift', buffered: true })
    type LayoutShift = { value: number; hadRecentInput: boolean; sources: { node: Node | null }[] }
  })
}

/** The sum of all layout shifts since the page was opened or since the last call, without those after user input. */
export async function takeLayoutShift(page: Page): Promise<{ sum: number; nodes: string[] }> {
  // Shifts of the current frame are reported after it.
  await page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))),
  )
  return page.evaluate(() => {
    const shifts = (Reflect.get(window, 'layoutShifts') as { value: number; nodes: string[] }[]).splice(0)
    const nodes = shifts.map((shift) => `${shift.value.toFixed(3)} ${shift.nodes.join(' ')}`)
    return { sum: shifts.reduce((sum, { value }) => sum + value, 0), nodes }
  })
}
