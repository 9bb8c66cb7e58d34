/** The list of access tokens: the valid ones, and the ended ones below, folded. Used by tokens-page.ts. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { AccessToken } from '../../domain/access/access-schemas.ts'
import { useApp } from '../app-context.ts'
import { pluralize } from '../format.ts'
import { RelativeTime } from '../ui/relative-time.ts'
import { describeEnd, endsSoon, formatDay } from './token-end.ts'

type Props = { tokens: readonly AccessToken[]; showsOwner: boolean; onRevoke: (token: AccessToken) => void }

export function TokenList({ tokens, showsOwner, onRevoke }: Props): VNode {
  const valid = tokens.filter(({ state }) => state === 'valid')
  const ended = tokens.filter(({ state }) => state !== 'valid')
  const row = (token: AccessToken) =>
    html`<${TokenRow} key=${token.token_id} token=${token} showsOwner=${showsOwner} onRevoke=${() => onRevoke(token)} />`
  return html`<div>
    ${
      valid.length === 0
        ? html`<p class="empty-tokens">${showsOwner ? 'There is no valid access token.' : 'You have no valid access token.'}</p>`
        : html`<ul class="tokens">${valid.map(row)}</ul>`
    }
    ${
      ended.length > 0 &&
      html`<details class="ended-tokens">
        <summary>${pluralize(ended.length, 'token')} that ended</summary>
        <ul class="tokens">${ended.map(row)}</ul>
      </details>`
    }
  </div>`
}

type RowProps = { token: AccessToken; showsOwner: boolean; onRevoke: () => void }

function TokenRow({ token, showsOwner, onRevoke }: RowProps): VNode {
  const { clock } = useApp()
  const { label, name, kind, owner_group, role, names, state, created_by, created_at, expires_at } = token
  const nowMs = clock.coarseNow.value
  const isService = kind === 'service'
  return html`<li>
    <div>
      <p>
        <strong>${label}</strong>
        <span class="role">${role}</span>
        ${endsSoon(token, nowMs) && html`<span class="token-end">ends ${describeEnd(expires_at, nowMs)}</span>`}
        ${state !== 'valid' && html`<span class="token-state">${state}</span>`}
      </p>
      <small>
        ${isService ? `Service ${name} of the group ${owner_group}. ` : showsOwner && `Of ${name}. `}
        ${names.includes('*') ? 'For all names. ' : html`For <code>${names.join(', ')}</code>. `}
        Created <${RelativeTime} time=${created_at} />${created_by !== name && ` by ${created_by}`}, ${state === 'expired' ? 'ended' : 'until'} ${formatDay(expires_at)}.
      </small>
      <small>
        ${
          token.last_used_at === null
            ? 'Never used.'
            : html`Last used <${RelativeTime} time=${token.last_used_at} /> from ${token.last_used_address}.`
        }
      </small>
    </div>
    ${state === 'valid' && html`<button type="button" class="danger" aria-label=${`Revoke ${label}`} onClick=${onRevoke}>Revoke</button>`}
  </li>`
}
