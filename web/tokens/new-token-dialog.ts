/** Creates an access token and shows it once. Opened from tokens-page.ts. */
import { type Signal, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { type ApiError, toApiError } from '../../client/errors.ts'
import { decide, type Role } from '../../domain/access/roles.ts'
import { useApp } from '../app-context.ts'
import { Dialog } from '../ui/dialogs/dialog.ts'
import { ErrorBox } from '../ui/error-box.ts'
import { TextField } from '../ui/text-field.ts'
import { CreatedToken } from './created-token.ts'
import { defaultDays, TokenLimitFields } from './token-limits.ts'

type Props = { onClose: () => void; onCreated: () => void }
/** Whose token it is. */
type Owner = 'me' | 'person' | 'service'

const labelAttributes = {
  name: 'label',
  autocomplete: 'off',
  maxlength: 200,
  required: true,
  autofocus: true,
}
const namesAttributes = { name: 'names', autocomplete: 'off', spellcheck: false, placeholder: 'all' }
const personAttributes = { name: 'person', autocomplete: 'off', required: true, maxlength: 500 }
const serviceAttributes = {
  name: 'service',
  autocomplete: 'off',
  required: true,
  pattern: '[a-z][a-z0-9\\-]{0,62}',
  title: 'begins with a letter and holds only a-z, 0-9 and -',
}

export function NewTokenDialog({ onClose, onCreated }: Props): VNode {
  const { client, config, confirmations, identity } = useApp()
  const who = identity.who.value
  const permissions = identity.permissions.value
  const mayManage = permissions !== null && decide(permissions, 'manage_tokens').isAllowed
  const isPerson = Boolean(who?.subject)
  const owners: Owner[] = [
    ...(isPerson ? (['me'] as const) : []),
    ...(mayManage ? (['person'] as const) : []),
    ...(mayManage || (who?.groups?.length ?? 0) > 0 ? (['service'] as const) : []),
  ]
  const owner = useSignal<Owner>(owners[0] ?? 'me')
  const label = useSignal('')
  const names = useSignal('')
  const person = useSignal('')
  const service = useSignal('')
  const group = useSignal(who?.groups?.[0] ?? '')
  const role = useSignal<Role | null>(null)
  const days = useSignal(defaultDays(config.token_max_days))
  const error = useSignal<ApiError | null>(null)
  const busy = useSignal(false)
  const created = useSignal<string | null>(null)
  const isCopied = useSignal(false)
  const close = async () => {
    if (created.value !== null && !isCopied.value && !(await confirmations.confirm(closeConfirmation))) return
    onClose()
  }
  const submit = async (event: Event) => {
    event.preventDefault()
    if (busy.value) return
    busy.value = true
    error.value = null
    const patterns = names.value.split(/[\s,]+/).filter((pattern) => pattern !== '')
    try {
      const { token } = await client.call('createToken', {
        body: {
          label: label.value,
          expires_in_days: days.value,
          ...(role.value === null ? {} : { role: role.value }),
          ...(patterns.length === 0 ? {} : { names: patterns }),
          ...(owner.value === 'person' ? { for: person.value } : {}),
          ...(owner.value === 'service'
            ? { service: { name: service.value, owner_group: group.value } }
            : {}),
        },
      })
      created.value = token
      onCreated()
    } catch (caught) {
      error.value = toApiError(caught)
    }
    busy.value = false
  }
  if (created.value !== null)
    return html`<${Dialog} variant="modal wide" label="The new token" onClose=${() => void close()}>
      <${CreatedToken} token=${created.value} label=${label.value} isCopied=${isCopied} />
      <div class="buttons"><button type="button" onClick=${() => void close()}>Done</button></div>
    <//>`
  return html`<${Dialog} variant="modal wide" label="New access token" onClose=${() => void close()}>
    <form onSubmit=${submit}>
      <h2>New access token</h2>
      <${TextField} label="What it is for" text=${label} attributes=${labelAttributes} />
      ${owners.length > 1 && html`<${OwnerField} owner=${owner} owners=${owners} />`}
      ${owner.value === 'person' && html`<${TextField} label="Person, by subject, e-mail address or name" text=${person} attributes=${personAttributes} />`}
      ${
        owner.value === 'service' &&
        html`<div class="token-limits">
          <${TextField} label="Name of the service" text=${service} attributes=${serviceAttributes} />
          <${GroupField} group=${group} groups=${mayManage ? null : (who?.groups ?? [])} />
        </div>`
      }
      <${TokenLimitFields} limits=${{ role, days }} highest=${mayManage ? 'admin' : (who?.role ?? 'admin')} ownLabel=${ownLabels[owner.value]} />
      <${TextField}
        label=${html`Only for deployments <small>(names or patterns such as <code>pr-*</code>, separated by commas; optional)</small>`}
        text=${names}
        attributes=${namesAttributes}
      />
      ${error.value !== null && html`<${ErrorBox} error=${error.value} />`}
      <div class="buttons">
        <button type="button" onClick=${() => void close()}>Cancel</button>
        <button type="submit" class="primary" disabled=${busy.value}>${busy.value ? 'Creating…' : 'Create token'}</button>
      </div>
    </form>
  <//>`
}

const ownLabels: Record<Owner, string> = {
  me: 'the same as mine',
  person: 'that of the person',
  service: 'that of the group',
}
const ownerLabels: Record<Owner, string> = {
  me: 'me',
  person: 'somebody else',
  service: 'a service of a group',
}

function OwnerField({ owner, owners }: { owner: Signal<Owner>; owners: readonly Owner[] }): VNode {
  return html`<label class="field">
    <span>It acts as</span>
    <select
      name="owner"
      value=${owner.value}
      onChange=${(event: { currentTarget: HTMLSelectElement }) => {
        owner.value = event.currentTarget.value as Owner
      }}
    >
      ${owners.map((one) => html`<option key=${one} value=${one}>${ownerLabels[one]}</option>`)}
    </select>
  </label>`
}

/** `groups` null: any group may be named. */
function GroupField({ group, groups }: { group: Signal<string>; groups: readonly string[] | null }): VNode {
  if (groups === null)
    return html`<${TextField} label="Group that owns it" text=${group} attributes=${{ name: 'group', autocomplete: 'off', required: true, maxlength: 500 }} />`
  return html`<label class="field">
    <span>Group that owns it</span>
    <select
      name="group"
      value=${group.value}
      onChange=${(event: { currentTarget: HTMLSelectElement }) => {
        group.value = event.currentTarget.value
      }}
    >
      ${groups.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}
    </select>
  </label>`
}

const closeConfirmation = {
  title: 'Close without copying?',
  text: 'The token is shown only now. Without a copy you would have to create another one.',
  confirmLabel: 'Close',
  cancelLabel: 'Back',
  danger: true,
}
