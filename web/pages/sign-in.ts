/** Entering a credential: what installations hand to their admins. It is tried before it is kept. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { FormBox } from '../parts/form-box.ts'
import { ProblemBox } from '../parts/problem.ts'
import { TextField } from '../parts/text-field.ts'
import { type Problem, problemOfError } from '../problem.ts'
import { useWorld } from '../world.ts'

const attributes = { type: 'password', name: 'authorization', autocomplete: 'off', autofocus: true }

export function SignIn(): VNode {
  const { session, panel, notices, sync } = useWorld()
  const locked = sync.problem.value?.status === 401
  const header = useSignal('')
  const problem = useSignal<Problem | null>(null)
  const busy = useSignal(false)
  const send = async () => {
    busy.value = true
    problem.value = null
    try {
      await session.signIn(header.value)
      notices.say(session.isAdmin() ? 'Signed in as admin.' : 'Signed in.')
      panel.value = null
    } catch (error) {
      problem.value = problemOfError(error)
    }
    busy.value = false
  }
  return html`<${FormBox}
    title=${locked ? 'Sign in' : 'Sign in as admin'}
    button=${busy.value ? 'Trying…' : 'Sign in'}
    off=${busy.value || header.value.trim() === ''}
    send=${send}
  >
    <p>
      ${locked ? 'This installation wants to know who you are.' : 'Admins see the output of scripts, clean up and delete.'} Enter the value of the${' '}
      <code>Authorization</code> header your installation uses; it is kept until this tab is closed.
    </p>
    <${TextField} label="Authorization" text=${header} attributes=${attributes} />
    ${problem.value !== null && html`<${ProblemBox} problem=${problem.value} />`}
  <//>`
}
