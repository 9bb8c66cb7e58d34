/** The fields with which somebody limits a token: its role and its time. Used by new-token-dialog.ts and device-page.ts. */
import type { Signal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { type Role, roles } from '../../domain/access/roles.ts'
import { useApp } from '../app-context.ts'
import { pluralize } from '../format.ts'

/** `role` null: that of the owner. */
export type TokenLimits = { role: Signal<Role | null>; days: Signal<number> }

const usualDays = [7, 30, 90, 180, 365]

/** Of TOKEN_MAX_DAYS; a server of the last release does not say it. */
const maxDaysOf = (max: number | undefined) => max ?? 366

export const defaultDays = (max: number | undefined): number => Math.min(90, maxDaysOf(max))

/** `highest`: the highest role to offer. `ownLabel`: what the choice without a limit is called. */
export function TokenLimitFields({
  limits: { role, days },
  highest,
  ownLabel,
}: {
  limits: TokenLimits
  highest: Role
  ownLabel: string
}): VNode {
  const { config } = useApp()
  const max = maxDaysOf(config.token_max_days)
  const choices = [...new Set([...usualDays.filter((count) => count < max), max])]
  const offered = roles.slice(0, roles.indexOf(highest) + 1).toReversed()
  return html`<div class="token-limits">
    <label class="field">
      <span>Role at most</span>
      <select
        name="role"
        value=${role.value ?? ''}
        onChange=${(event: { currentTarget: HTMLSelectElement }) => {
          role.value = (event.currentTarget.value || null) as Role | null
        }}
      >
        <option value="">${ownLabel}</option>
        ${offered.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}
      </select>
    </label>
    <label class="field">
      <span>Ends after</span>
      <select
        name="days"
        value=${String(days.value)}
        onChange=${(event: { currentTarget: HTMLSelectElement }) => {
          days.value = Number(event.currentTarget.value)
        }}
      >
        ${choices.map((count) => html`<option key=${count} value=${String(count)}>${pluralize(count, 'day')}</option>`)}
      </select>
    </label>
  </div>`
}
