/** Says on every page that an own access token ends within a week. Drawn below the top bar. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../app-context.ts'
import { tokensPath } from '../routes.ts'
import { describeEnd } from './token-end.ts'

export function TokenBanner(): VNode {
  const { tokenNotices, clock, router } = useApp()
  // The page of tokens says it beside each, and an approval should not be disturbed.
  const isShown = !/tokens|device/.test(router.route.value.page)
  const [first, ...others] = tokenNotices.soon.value
  return html`<div class="session-banner" role="status">
    ${
      isShown &&
      first !== undefined &&
      html`<p>
        <span>
          The access token <strong>${first.label}</strong> ends ${describeEnd(first.expires_at, clock.currentTimeMs())}${others.length > 0 && `, and ${others.length} more end within a week`}. What uses it stops working then.
        </span>
        <span class="buttons">
          <a class="button small" href=${tokensPath}>Access tokens</a>
          <button type="button" class="ghost-button small" onClick=${tokenNotices.dismiss}>Dismiss</button>
        </span>
      </p>`
    }
  </div>`
}
