/** What a program asks for, from where, and as whom it would act; approve or deny. Used by device-page.ts. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { DeviceLogin, WhoAmI } from '../../domain/access/access-schemas.ts'
import { pluralize } from '../format.ts'
import { TokenLimitFields, type TokenLimits } from '../tokens/token-limits.ts'
import { RelativeTime } from '../ui/relative-time.ts'

type Props = {
  who: WhoAmI
  /** As the program shows it. */
  code: string
  login: DeviceLogin
  limits: TokenLimits
  isBusy: boolean
  onDecide: (approve: boolean) => void
}

export function Approval({ who, code, login, limits, isBusy, onDecide }: Props): VNode {
  const isOwnProgram = useSignal(login.is_same_address)
  const first = useRef<HTMLParagraphElement>(null)
  // A screen reader continues here.
  useLayoutEffect(() => first.current?.focus(), [])
  return html`<div class="device-approval">
    <p ref=${first} tabindex="-1">Does your program show this code?</p>
    <p class="user-code">${code}</p>
    <dl class="identity-facts">
      <div><dt>Program</dt><dd>${login.client_name} <small>as it says itself</small></dd></div>
      <div><dt>From</dt><dd><code>${login.address}</code>, <${RelativeTime} time=${login.created_at} /></dd></div>
      <div><dt>Acts as</dt><dd>${who.actor}, <span class="role">${limits.role.value ?? who.role}</span> for ${pluralize(limits.days.value, 'day')}</dd></div>
    </dl>
    <details>
      <summary>Give it less</summary>
      <${TokenLimitFields} limits=${limits} highest=${who.role ?? 'viewer'} ownLabel="the same as mine" />
    </details>
    <p class="notice">
      <strong>Approve only what you have started yourself, just now.</strong> Somebody who has sent you this link or code wants to
      act as you.
    </p>
    ${
      !login.is_same_address &&
      html`<label class="device-check">
        <input
          type="checkbox"
          checked=${isOwnProgram.value}
          onChange=${(event: { currentTarget: HTMLInputElement }) => {
            isOwnProgram.value = event.currentTarget.checked
          }}
        />
        <span>The program asks from another address than this browser. I have started it there myself.</span>
      </label>`
    }
    <div class="device-buttons">
      <button type="button" class="danger" disabled=${isBusy} onClick=${() => onDecide(false)}>Deny</button>
      <button type="button" class="primary" disabled=${isBusy || !isOwnProgram.value} onClick=${() => onDecide(true)}>
        Approve
      </button>
    </div>
  </div>`
}
