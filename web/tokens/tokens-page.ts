/** The page "Access tokens": the own tokens, or all for admins; creates and revokes them. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { type ApiError, toApiError } from '../../client/errors.ts'
import type { AccessToken } from '../../domain/access/access-schemas.ts'
import { decide } from '../../domain/access/roles.ts'
import { useApp } from '../app-context.ts'
import { tokensPath } from '../routes.ts'
import { setBrowserTab } from '../ui/browser-tab.ts'
import { ErrorBox } from '../ui/error-box.ts'
import { Icon } from '../ui/icon.ts'
import { NewTokenDialog } from './new-token-dialog.ts'
import { TokenList } from './token-list.ts'

export function TokensPage({ search }: { search: string }): VNode {
  const { client, identity, router, confirmations, toasts, tokenNotices } = useApp()
  const who = identity.who.value
  const permissions = identity.permissions.value
  const mayManage = permissions !== null && decide(permissions, 'manage_tokens').isAllowed
  const isPerson = Boolean(who?.subject)
  // An admin header has no tokens but those that it has approved.
  const showsAll = mayManage && new URLSearchParams(search).get('all') === 'true'
  const tokens = useSignal<readonly AccessToken[] | null>(null)
  const error = useSignal<ApiError | null>(null)
  const isCreating = useSignal(false)
  const load = async () => {
    try {
      const found = await client.call('listTokens', { query: { all: showsAll ? 'true' : 'false' } })
      tokens.value = found
      if (!showsAll) tokenNotices.update(found)
      error.value = null
    } catch (caught) {
      error.value = toApiError(caught)
    }
  }
  useEffect(() => setBrowserTab('Access tokens · Octopod'), [])
  useEffect(() => {
    tokens.value = null
    if (who !== null) void load()
  }, [showsAll, identity.key.value])
  const revoke = async (token: AccessToken) => {
    const confirmed = await confirmations.confirm({
      title: `Revoke ${token.label}?`,
      text: `Programs that use this token of ${token.name} are refused within a second. This cannot be undone.`,
      confirmLabel: 'Revoke',
      cancelLabel: 'Cancel',
      danger: true,
    })
    if (!confirmed) return
    try {
      await client.call('revokeToken', { params: { token_id: token.token_id } })
      toasts.showSuccess(`${token.label} is revoked.`)
    } catch (caught) {
      error.value = toApiError(caught)
    }
    await load()
  }
  return html`<main class="tokens-page">
    <header>
      <h1>Access tokens</h1>
      ${
        (isPerson || mayManage) &&
        html`<button type="button" class="primary" onClick=${() => (isCreating.value = true)}><${Icon} name="plus" />New token</button>`
      }
    </header>
    <p class="hint">
      Programs act with a token as its owner, and may never do more than the owner. <code>octo login</code> gets one by itself.
      ${!isPerson && who !== null && ' A shared credential has only tokens that octo login has asked for with it; they end when its value changes.'}
    </p>
    ${
      mayManage &&
      html`<label class="switch">
        <input
          type="checkbox"
          role="switch"
          checked=${showsAll}
          onChange=${(event: { currentTarget: HTMLInputElement }) => {
            router.navigate(event.currentTarget.checked ? `${tokensPath}?all=true` : tokensPath)
          }}
        />
        <span>Everybody's</span>
      </label>`
    }
    ${error.value !== null && html`<${ErrorBox} error=${error.value} onRetry=${() => void load()} />`}
    ${tokens.value === null && error.value === null && html`<p role="status">Loading…</p>`}
    ${tokens.value !== null && html`<${TokenList} tokens=${tokens.value} showsOwner=${showsAll} onRevoke=${(token: AccessToken) => void revoke(token)} />`}
    ${isCreating.value && html`<${NewTokenDialog} onClose=${() => (isCreating.value = false)} onCreated=${() => void load()} />`}
  </main>`
}
