/**
 * The page /device: a person compares the code of a program such as octo, sees what asks, and approves or denies it. The program then gets
 * an access token of the person.
 */
import { type Signal, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { type ApiError, toApiError } from '../../client/errors.ts'
import type { DeviceLogin } from '../../domain/access/access-schemas.ts'
import type { Role } from '../../domain/access/roles.ts'
import { formatUserCode, parseUserCode } from '../../domain/access/user-code.ts'
import { useApp } from '../app-context.ts'
import { tokensPath } from '../routes.ts'
import { defaultDays } from '../tokens/token-limits.ts'
import { setBrowserTab } from '../ui/browser-tab.ts'
import { ErrorBox } from '../ui/error-box.ts'
import { Logo } from '../ui/icon.ts'
import { TextField } from '../ui/text-field.ts'
import { Approval } from './approval.ts'

/** What the person sees: a field for the code, who asks, or what was decided. */
type Step =
  | { step: 'code' }
  | { step: 'approval'; code: string; login: DeviceLogin }
  | { step: 'done'; isApproved: boolean }

export function DevicePage({ search }: { search: string }): VNode {
  const { client, config, identity, router } = useApp()
  const who = identity.who.value
  const sentCode = new URLSearchParams(search).get('user_code') ?? ''
  const text = useSignal(sentCode.slice(0, 100))
  const state = useSignal<Step>({ step: 'code' })
  const error = useSignal<ApiError | null>(null)
  const busy = useSignal(false)
  const role = useSignal<Role | null>(null)
  const days = useSignal(defaultDays(config.token_max_days))
  useEffect(() => setBrowserTab('Sign in a program · Octopod'), [])

  const attempt = async (work: () => Promise<void>) => {
    if (busy.peek()) return
    busy.value = true
    error.value = null
    try {
      await work()
    } catch (caught) {
      error.value = toApiError(caught)
      // Another code may be right.
      if (error.value.code === 'no_such_code') state.value = { step: 'code' }
    }
    busy.value = false
  }
  const find = (code: string) =>
    attempt(async () => {
      const login = await client.call('getDeviceLogin', { query: { user_code: code } })
      state.value = { step: 'approval', code, login }
    })
  const decide = (code: string, approve: boolean) =>
    attempt(async () => {
      const limits = approve
        ? { expires_in_days: days.value, ...(role.value === null ? {} : { role: role.value }) }
        : {}
      await client.call('decideDeviceLogin', { body: { user_code: code, approve, ...limits } })
      state.value = { step: 'done', isApproved: approve }
      // The code counts no more.
      router.replaceSearch('')
    })
  useEffect(() => {
    const code = parseUserCode(sentCode)
    if (code !== null && who !== null) void find(code)
  }, [identity.key.value])

  const shown = state.value
  return html`<main class="sign-in device">
    <div class="sign-in-card">
      ${shown.step !== 'approval' && html`<${Logo} />`}
      <h1>${shown.step === 'done' ? (shown.isApproved ? 'Approved' : 'Denied') : 'Sign in a program'}</h1>
      ${error.value !== null && html`<${ErrorBox} error=${error.value} />`}
      ${
        shown.step === 'code' &&
        html`<${CodeForm} text=${text} isBusy=${busy.value} onSubmit=${(code: string) => void find(code)} />`
      }
      ${
        shown.step === 'approval' &&
        who !== null &&
        html`<${Approval}
          who=${who}
          code=${formatUserCode(shown.code)}
          login=${shown.login}
          limits=${{ role, days }}
          isBusy=${busy.value}
          onDecide=${(approve: boolean) => void decide(shown.code, approve)}
        />`
      }
      ${shown.step === 'done' && html`<${Done} isApproved=${shown.isApproved} />`}
    </div>
  </main>`
}

const attributes = {
  name: 'user_code',
  autocomplete: 'off',
  autocapitalize: 'characters',
  spellcheck: false,
  maxlength: 20,
  placeholder: 'BCDF-GHJK',
  autofocus: true,
  class: 'user-code',
}

type FormProps = {
  text: Signal<string>
  isBusy: boolean
  onSubmit: (code: string) => void
}

function CodeForm({ text, isBusy, onSubmit }: FormProps): VNode {
  const code = parseUserCode(text.value)
  const submit = (event: Event) => {
    event.preventDefault()
    if (code !== null) onSubmit(code)
  }
  return html`<form class="sign-in-credential" onSubmit=${submit}>
    <${TextField} label="The code that your program shows" text=${text} attributes=${attributes} />
    <button type="submit" class="primary" disabled=${code === null || isBusy}>${isBusy ? 'Looking…' : 'Continue'}</button>
  </form>`
}

function Done({ isApproved }: { isApproved: boolean }): VNode {
  return html`<div class="device-done" role="status">
    <p>
      ${
        isApproved
          ? 'Go back to your program: it is signed in within a few seconds. You can close this page.'
          : 'The program gets no access token. If you did not start it, nothing more is needed.'
      }
    </p>
    <p><a href=${tokensPath}>Your access tokens</a></p>
  </div>`
}
