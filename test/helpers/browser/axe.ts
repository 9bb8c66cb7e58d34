/** Runs axe on a page. Used by the accessibility and layout tests. */
import axe, { type AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'

const { source } = axe

/** Violations as rule and element. `rules`: only these; empty: all rules. */
export async function findAxeViolations(page: Page, rules: string[] = []): Promise<string[]> {
  // Injected by the test driver, because the content security policy forbids other scripts.
  await page.evaluate(`window.axe || (() => {${source}})()`)
  const { violations: found } = await page.evaluate((only): Promise<AxeResults> => {
    const { run } = Reflect.get(window, 'axe') as typeof axe
    return run(document, { resultTypes: ['violations'], ...(only.length > 0 && { runOnly: only }) })
  }, rules)
  return found.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
}
