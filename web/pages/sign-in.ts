/** Entering a credential: what installations hand to their admins. It is tried before it is kept. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { Dialog } from '../parts/dialog.ts'
import { ProblemBox } from '../parts/problem.ts'
import { type Problem, problemOfError } from '../problem.ts'
import { useWorld } from '../world.ts'

export function SignIn(): VNode {
  const { session, panel, notices, sync } = useWorld()
  const locked = sync.problem.value?.status === 401
  const header = useSignal('')
  const problem = useSignal<Problem | null>(null)
  const busy = useSignal(false)
  const close = () => {
    panel.value = null
  }
  const submit = async (event: Event) => {
    event.preventDefault()
    if (busy.value || header.value.trim() === '') return
    busy.value = true
    problem.value = null
    try {
      await session.signIn(header.value)
      notices.say(session.isAdmin() ? 'Signed in as admin.' : 'Signed in.')
      close()
    } catch (error) {
      problem.value = problemOfError(error)
    }
    busy.value = false
  }
  return html`<${Dialog} kind="box" label="Sign in" onClose=${close}>
    <form onSubmit=${submit}>
      <h2>${locked ? 'Sign in' : 'Sign in as admin'}</h2>
      <p>
        ${locked ? 'This installation wants to know who you are.' : 'Admins see the output of scripts, clean up and delete.'} Enter the value of the${' '}
        <code>Authorization</code> header your installation uses; it is kept until this tab is closed.
      </p>
      <label class="field">
        <span>Authorization</span>
        <input
          type="password"
          name="authorization"
          autocomplete="off"
          autofocus
          value=${header.value}
          onInput=${(event: { currentTarget: HTMLInputElement }) => {
            header.value = event.currentTarget.value
          }}
        />
      </label>
      ${problem.value !== null && html`<${ProblemBox} problem=${problem.value} />`}
      <div class="buttons">
        <button type="button" onClick=${close}>Cancel</button>
        <button type="submit" class="primary" disabled=${busy.value || header.value.trim() === ''}>
          ${busy.value ? 'Trying…' : 'Sign in'}
        </button>
      </div>
    </form>
  <//>`
}
